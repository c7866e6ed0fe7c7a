/* observe.h - who wants to know how long each operation of a forward took, or what it works on. Without an observer nothing is timed. */
#ifndef MODELS_OBSERVE_H
#define MODELS_OBSERVE_H

#include <stddef.h>

struct session_observer {
    void *user;
    /* One operation ("q", "attention", ...) of a layer (-1: before the first, or after the last). Seconds of a steady clock. */
    void (*operation)(void *user, const char *name, int layer, double began, double ended); /* MAY */
    /* MAY. What a matrix of the layers is about to be multiplied with, x [rows][columns]; `matrix` is where its data lie. */
    void (*input)(void *user, const void *matrix, const float *x, size_t rows, size_t columns);
};

double observe_begin(const struct session_observer *o);
void observe_end(const struct session_observer *o, const char *name, int layer, double began);
double steady_seconds(void);

#endif

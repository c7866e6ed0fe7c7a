/* observe.h - who wants to know how long each operation of a forward took. Without an observer nothing is timed. */
#ifndef MODELS_OBSERVE_H
#define MODELS_OBSERVE_H

struct session_observer {
    void *user;
    /* One operation ("q", "attention", ...) of a layer (-1: before the first, or after the last). Seconds of a steady clock. */
    void (*operation)(void *user, const char *name, int layer, double began, double ended);
};

double observe_begin(const struct session_observer *o);
void observe_end(const struct session_observer *o, const char *name, int layer, double began);
double steady_seconds(void);

#endif

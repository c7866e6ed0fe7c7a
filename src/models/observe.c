#include "models/observe.h"

#include <stddef.h>
#include <time.h>

double steady_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double observe_begin(const struct session_observer *o)
{
    return o ? steady_seconds() : 0;
}

void observe_end(const struct session_observer *o, const char *name, int layer, double began)
{
    if (o)
        o->operation(o->user, name, layer, began, steady_seconds());
}

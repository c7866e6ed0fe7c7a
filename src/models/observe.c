#include "models/observe.h"

#include "base/clock.h"

double steady_seconds(void)
{
    return (double)clock_ns() * 1e-9;
}

double observe_begin(const struct session_observer *o)
{
    return o && o->operation ? steady_seconds() : 0;
}

void observe_end(const struct session_observer *o, const char *name, int layer, double began)
{
    if (o && o->operation)
        o->operation(o->user, name, layer, began, steady_seconds());
}

#include "stats/interval.h"

#include <math.h>

static const struct {
    const char *name, *assumes;
} hows[] = {
#define INTERVAL(id, name, assumes) {name, assumes},
    INTERVAL_LIST
#undef INTERVAL
};

const char *interval_how_name(enum interval_how how)
{
    return (unsigned)how < INTERVAL_COUNT ? hows[how].name : "unknown";
}

const char *interval_how_assumes(enum interval_how how)
{
    return (unsigned)how < INTERVAL_COUNT ? hows[how].assumes : "unknown";
}

struct interval interval_none(double level)
{
    return (struct interval){.lo = NAN, .hi = NAN, .level = level, .coverage = NAN, .how = INTERVAL_NONE};
}

bool interval_holds(const struct interval *v, double truth)
{
    return !(truth < v->lo) && !(truth > v->hi);
}

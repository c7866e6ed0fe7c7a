#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_resolution_ns(void)
{
    struct timespec t;
    clock_getres(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int64_t clock_overhead_ns(void)
{
    enum { N = 1000 };
    int64_t cost[N];
    for (int i = 0; i < N; i++) {
        int64_t before = clock_ns();
        cost[i] = clock_ns() - before;
    }
    qsort(cost, N, sizeof *cost, by_value);
    return cost[N / 2];
}

int64_t clock_real_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

const char *clock_iso(int64_t real_ms, char text[32])
{
    int64_t seconds = real_ms / 1000, ms = real_ms % 1000;
    if (ms < 0) { /* before 1970 division rounds the wrong way */
        ms += 1000;
        seconds--;
    }
    time_t t = (time_t)seconds;
    struct tm parts;
    char day[24];
    if (!gmtime_r(&t, &parts) || strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts) == 0)
        day[0] = '\0'; /* a year that does not fit: nobody's clock */
    snprintf(text, 32, "%s.%03dZ", day, (int)ms);
    return text;
}

void clock_sleep_ns(int64_t ns)
{
    int64_t end = clock_ns() + ns;
    struct timespec t = {.tv_sec = (time_t)(end / 1000000000), .tv_nsec = (long)(end % 1000000000)};
    while (ns > 0 && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        continue;
}

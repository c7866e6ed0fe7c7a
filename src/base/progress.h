/* progress.h - one live line that says how far long work has come.
 *
 *     struct progress_style style = progress_style_of(stderr, quiet, verbose);
 *     struct progress p;
 *     progress_start(&p, stderr, &style, "prefill", "tokens", n);
 *     for (...) { ...; progress_at(&p, done); }
 *     progress_finish(&p);
 *
 *     prefill [############............] 50%  812 tokens/s  0:41 left
 *
 * Invariants: at most 10 drawings a second, each one write, never longer than the terminal is wide. The line is redrawn
 * in place; before anything else is printed there, progress_clear takes it away and the next progress_at brings it
 * back. Where the stream is not a terminal nothing is written, unless the user asked to hear more (verbose): then whole
 * lines, at most one in 10 s. No colour, so NO_COLOR holds; ASCII only, but for a label in a UTF-8 terminal.
 *
 * The rate is that of the last seconds, and falls while nothing comes. The time left is shown only when the total is
 * known and three steps over a second or more have been seen.
 *
 * A progress belongs to one thread and allocates nothing; it borrows the stream and the texts until progress_finish.
 */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum progress_mode {
    PROGRESS_OFF,   /* nothing at all */
    PROGRESS_LINES, /* now and then a whole line */
    PROGRESS_LIVE,  /* one line, redrawn */
};

struct progress_style {
    enum progress_mode mode;
    int columns;              /* of the terminal; 0: ask it at each drawing, so that resizing is followed */
    bool utf8;                /* may a label hold more than ASCII? */
    int64_t (*now)(void *arg); /* nanoseconds that only run forward; NULL: clock_ns */
    void *now_arg;
};

/* LIVE for a terminal that can erase (TERM is not "dumb"), else LINES if verbose, else OFF; quiet is always OFF. */
struct progress_style progress_style_of(FILE *out, bool quiet, bool verbose);

enum { PROGRESS_WINDOW = 64 };

struct progress_step {
    int64_t at_ns;
    uint64_t done;
};

struct progress {
    FILE *out;
    struct progress_style style;
    const char *label, *unit;
    uint64_t total, done;
    const char *below;                         /* lines that stand under it, each ended by \n; NULL: none */
    bool drawn;                                /* the line is on the screen */
    bool due;                                  /* draw at the next call, whatever the time */
    int64_t started_ns, drawn_ns;
    struct progress_step last;                 /* the newest advance */
    struct progress_step steps[PROGRESS_WINDOW]; /* oldest first: the moving window before it */
    int n_steps;
};

/* `total` 0: unknown; then there is no bar, no share and no time left. Draws nothing yet. */
void progress_start(struct progress *p, FILE *out, const struct progress_style *style, const char *label,
                    const char *unit, uint64_t total);

/* What is done by now, not since the last call. Cheap enough to be called for every item. */
void progress_at(struct progress *p, uint64_t done);

/* Another label for what follows ("cell 3 of 12"), borrowed as the first. */
void progress_label(struct progress *p, const char *label);

/* Lines to stand under it in LIVE mode, redrawn and taken away with it; borrowed as the label. Where they would take time
 * to make, progress_due says whether the next progress_at would draw. */
void progress_below(struct progress *p, const char *lines);
bool progress_due(const struct progress *p);

/* Takes the line off the screen: call it before printing anything else there. */
void progress_clear(struct progress *p);

/* Takes the line away for good; in LINES mode says what was done and how long it took. */
void progress_finish(struct progress *p);

/* Units a second, and seconds left, as of now: below 0 while too little is known to say. */
double progress_rate(const struct progress *p);
double progress_left(const struct progress *p);

#endif

#include "base/progress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

#define SECOND INT64_C(1000000000)
#define REDRAW (SECOND / 10)
#define LINE_EVERY (10 * SECOND)
#define STEP_APART (SECOND / 4)
#define WINDOW (10 * SECOND)

enum {
    ENOUGH_STEPS = 3,
    MIN_BAR = 10,
    MAX_BAR = 40,
    MAX_COLUMNS = 200,
    LINES_BELOW = 10,  /* buffers of a line in one drawing */
    LINE_BYTES = 1024, /* MAX_COLUMNS characters of four bytes, and the control characters */
};

struct progress_style progress_style_of(FILE *out, bool quiet, bool verbose)
{
    const char *term = getenv("TERM"), *columns = getenv("COLUMNS");
    struct progress_style style = {.mode = PROGRESS_OFF};
    int64_t n;
    bool live = isatty(fileno(out)) && term && *term && strcmp(term, "dumb") != 0;
    if (!quiet)
        style.mode = live ? PROGRESS_LIVE : verbose ? PROGRESS_LINES : PROGRESS_OFF;
    if (columns && str_to_int(&n, columns, 1, 10000, "COLUMNS", NULL) == 0)
        style.columns = (int)n;
    style.utf8 = utf8_locale();
    return style;
}

static int64_t now_ns(const struct progress *p)
{
    return p->style.now ? p->style.now(p->style.now_arg) : clock_ns();
}

void progress_start(struct progress *p, FILE *out, const struct progress_style *style, const char *label,
                    const char *unit, uint64_t total)
{
    *p = (struct progress){.out = out, .style = *style, .label = label, .unit = unit, .total = total,
                           .due = style->mode == PROGRESS_LIVE};
    p->started_ns = now_ns(p);
    p->last = (struct progress_step){.at_ns = p->started_ns};
    p->drawn_ns = p->started_ns;
}

static void forget_oldest(struct progress *p)
{
    p->n_steps--;
    memmove(p->steps, p->steps + 1, (size_t)p->n_steps * sizeof *p->steps);
}

/* Only advances are remembered: what takes 20 s a step still has a rate, although the window is shorter. */
static void advance(struct progress *p, uint64_t done, int64_t now)
{
    if (done < p->done) { /* begun again: what was seen of the first time says nothing */
        p->n_steps = 0;
        p->last = (struct progress_step){.at_ns = now, .done = done};
    } else if (done > p->done) {
        if (p->n_steps == 0 || p->last.at_ns - p->steps[p->n_steps - 1].at_ns >= STEP_APART) {
            if (p->n_steps == PROGRESS_WINDOW)
                forget_oldest(p);
            p->steps[p->n_steps++] = p->last;
        }
        p->last = (struct progress_step){.at_ns = now, .done = done};
        while (p->n_steps > ENOUGH_STEPS && now - p->steps[0].at_ns > WINDOW)
            forget_oldest(p);
    }
    p->done = done;
}

static double rate_at(const struct progress *p, int64_t now)
{
    if (p->n_steps < ENOUGH_STEPS || p->last.at_ns - p->steps[0].at_ns < SECOND)
        return -1;
    /* The step under way counts once it takes longer than the others did on average: the rate falls smoothly. */
    double k = p->n_steps, seen = (double)(p->last.at_ns - p->steps[0].at_ns);
    double waited = (double)(now - p->steps[0].at_ns) * k / (k + 1);
    return (double)(p->last.done - p->steps[0].done) / (waited > seen ? waited : seen) * (double)SECOND;
}

static double left_at(const struct progress *p, int64_t now)
{
    double rate = rate_at(p, now);
    if (rate <= 0 || p->total == 0 || p->done > p->total)
        return -1;
    double left = (double)(p->total - p->done) / rate - (double)(now - p->last.at_ns) / (double)SECOND;
    return left > 0 ? left : 0;
}

double progress_rate(const struct progress *p)
{
    return rate_at(p, now_ns(p));
}

double progress_left(const struct progress *p)
{
    return left_at(p, now_ns(p));
}

/* "812", "12.3k", "4.56M": three digits are more than the eye takes in. */
static const char *quantity(double x, char text[32])
{
    static const char scale[] = " kMGTPE";
    int s = 0;
    while (x >= 999.5 && scale[s + 1]) {
        x /= 1000;
        s++;
    }
    int decimals = x >= 99.95 || (s == 0 && x == (double)(int)x) ? 0 : x >= 9.995 ? 1 : 2;
    snprintf(text, 32, s ? "%.*f%c" : "%.*f", decimals, x, scale[s]);
    return text;
}

static const char *duration(double seconds, char text[32])
{
    int64_t s = seconds < 1e9 ? (int64_t)(seconds + 0.5) : 1000000000;
    if (s >= 3600)
        snprintf(text, 32, "%lld:%02d:%02d", (long long)(s / 3600), (int)(s / 60 % 60), (int)(s % 60));
    else
        snprintf(text, 32, "%d:%02d", (int)(s / 60), (int)(s % 60));
    return text;
}

static int share(const struct progress *p)
{
    if (p->done >= p->total)
        return 100;
    int percent = (int)(100.0 * (double)p->done / (double)p->total);
    return percent < 99 ? percent : 99; /* 100% is said only of what is finished */
}

/* Adds at most `columns` characters of `s`: no control characters, nothing that the terminal cannot show. Returns how
 * many it added; a wide character counts as one, so a label in such a script may be cut too late. */
static int add_clipped(char *out, const char *s, int columns, bool utf8)
{
    size_t len = strlen(s), at = strlen(out);
    int n = 0;
    for (size_t i = 0; i < len && n < columns; n++) {
        uint32_t cp = 0;
        size_t bytes = utf8_decode(s + i, len - i, &cp);
        if (bytes == 0 || cp < 32 || (cp >= 127 && (!utf8 || cp < 160))) {
            out[at++] = '?';
            i += bytes ? bytes : 1;
        } else {
            memcpy(out + at, s + i, bytes);
            at += bytes;
            i += bytes;
        }
    }
    out[at] = '\0';
    return n;
}

static void add_bar(char *out, int cells, const struct progress *p)
{
    int full = (int)((double)cells * ((double)p->done < (double)p->total ? (double)p->done / (double)p->total : 1.0));
    size_t at = strlen(out);
    out[at++] = ' ';
    out[at++] = '[';
    for (int i = 0; i < cells; i++)
        out[at++] = i < full ? '#' : '.';
    out[at++] = ']';
    out[at] = '\0';
}

/* Share, rate and time left, as far as known; longest first tried, shorter ones where the terminal is narrow. */
static void facts(char text[160], const struct progress *p, int64_t now, int keep)
{
    char a[32];
    double rate = rate_at(p, now), left = left_at(p, now);
    int n = p->total ? snprintf(text, 160, " %d%%", share(p))
                     : snprintf(text, 160, " %s %.40s", quantity((double)p->done, a), p->unit);
    if (keep > 1 && rate >= 0)
        n += snprintf(text + n, 160 - (size_t)n, "  %s %.40s/s", quantity(rate, a), p->unit);
    if (keep > 0 && left >= 0)
        snprintf(text + n, 160 - (size_t)n, "  %s left", duration(left, a));
}

static int columns_of(const struct progress *p)
{
    int columns = p->style.columns;
    struct winsize w;
    if (columns == 0)
        columns = ioctl(fileno(p->out), TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : 80;
    return columns < MAX_COLUMNS ? columns : MAX_COLUMNS;
}

/* Adds the lines under it, as many as there is room for, and brings the cursor back to where it was. */
static void add_below(char *out, size_t size, const struct progress *p, int room)
{
    char text[LINE_BYTES];
    size_t used = strlen(out), begun = used;
    int n = 0;
    for (const char *s = p->below; s && *s && size - used > LINE_BYTES + 32; n++) {
        size_t len = strcspn(s, "\n");
        snprintf(text, sizeof text, "%.*s", (int)(len < LINE_BYTES - 1 ? len : LINE_BYTES - 1), s);
        used += (size_t)snprintf(out + used, size - used, "\n\r");
        add_clipped(out + used, text, room, p->style.utf8);
        strcat(out + used, "\x1b[K");
        used += strlen(out + used);
        s += len + (s[len] == '\n');
    }
    if (used > begun)
        snprintf(out + used, size - used, "\x1b[J\x1b[%dA\r", n);
}

static void draw_live(struct progress *p, int64_t now)
{
    char line[LINES_BELOW * LINE_BYTES] = "\r", text[160], tail[LINE_BYTES] = "";
    int room = columns_of(p) - 1; /* a character in the last column makes some terminals wrap */
    int label = add_clipped(tail, p->label, 40, p->style.utf8), keep = 2;
    for (;; keep--) {
        facts(text, p, now, keep);
        if (keep == 0 || label + (int)strlen(text) <= room)
            break;
    }
    int bar = room - label - (int)strlen(text) - 3;
    strcat(line, tail);
    if (p->total && bar >= MIN_BAR)
        add_bar(line, bar < MAX_BAR ? bar : MAX_BAR, p);
    else if (label + (int)strlen(text) > room) { /* too narrow for all: the share is worth more than the label */
        strcpy(line, "\r");
        int fits = room - (int)strlen(text);
        if (fits > 0)
            add_clipped(line, p->label, fits, p->style.utf8);
    }
    add_clipped(line, text, room, p->style.utf8);
    strcat(line, "\x1b[K");
    add_below(line, sizeof line, p, room);
    fwrite(line, 1, strlen(line), p->out);
    fflush(p->out);
    p->drawn = true;
}

static void print_line(const struct progress *p, int64_t now)
{
    char line[LINE_BYTES] = "", text[160];
    add_clipped(line, p->label, 100, p->style.utf8);
    facts(text, p, now, 2);
    fprintf(p->out, "%s:%s\n", line, text);
    fflush(p->out);
}

bool progress_due(const struct progress *p)
{
    int64_t pause = p->style.mode == PROGRESS_LIVE ? REDRAW : LINE_EVERY;
    return p->style.mode != PROGRESS_OFF && (p->due || now_ns(p) - p->drawn_ns >= pause);
}

static void show(struct progress *p)
{
    if (!progress_due(p))
        return;
    int64_t now = now_ns(p);
    if (p->style.mode == PROGRESS_LIVE)
        draw_live(p, now);
    else
        print_line(p, now);
    p->drawn_ns = now;
    p->due = false;
}

void progress_at(struct progress *p, uint64_t done)
{
    if (p->style.mode == PROGRESS_OFF) { /* also the rate is of no use then */
        p->done = done;
        return;
    }
    advance(p, done, now_ns(p));
    show(p);
}

void progress_label(struct progress *p, const char *label)
{
    p->label = label;
}

void progress_below(struct progress *p, const char *lines)
{
    p->below = lines;
}

void progress_clear(struct progress *p)
{
    if (!p->drawn)
        return;
    fputs(p->below ? "\r\x1b[J" : "\r\x1b[K", p->out);
    fflush(p->out);
    p->drawn = false;
}

void progress_finish(struct progress *p)
{
    progress_clear(p);
    if (p->style.mode == PROGRESS_LINES) {
        char line[LINE_BYTES] = "", n[32];
        add_clipped(line, p->label, 100, p->style.utf8);
        double seconds = (double)(now_ns(p) - p->started_ns) / (double)SECOND;
        fprintf(p->out, "%s: %s %.40s in %.1f s\n", line, quantity((double)p->done, n), p->unit, seconds);
        fflush(p->out);
    }
    p->style.mode = PROGRESS_OFF;
}

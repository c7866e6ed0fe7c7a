#include "net/event_stream.h"

#include <string.h>

enum { SLACK = 4096 }; /* above `max`, so that the limit is ours to report and not the buffer's */

void event_stream_init(struct event_stream *s, enum event_framing framing, size_t max, event_seen seen, void *arg)
{
    *s = (struct event_stream){.framing = framing, .max = max, .seen = seen, .arg = arg};
    buf_init(&s->line, max + SLACK);
    buf_init(&s->data, max + SLACK);
}

void event_stream_release(struct event_stream *s)
{
    buf_release(&s->line);
    buf_release(&s->data);
}

static int too_long(const struct event_stream *s, struct err *err)
{
    return err_set(err, ERR_ENGINE, "one event of the stream is longer than %zu bytes", s->max);
}

static int give(struct event_stream *s, struct buf *b, struct err *err)
{
    buf_char(b, '\0'); /* for an empty one: data must not be NULL */
    TRY(buf_check(b, err));
    int rc = s->seen(s->arg, b->data, b->len - 1, s->stamp, err);
    buf_clear(b);
    return rc;
}

/* The value of a `data` line, or NULL for any other field. */
static const char *data_value(const char *line, size_t len, size_t *value_len)
{
    if (len < 4 || memcmp(line, "data", 4) != 0 || (len > 4 && line[4] != ':'))
        return NULL;
    size_t at = len > 4 ? 5 : 4;
    if (at < len && line[at] == ' ')
        at++;
    *value_len = len - at;
    return line + at;
}

static int end_event(struct event_stream *s, struct err *err)
{
    if (!s->has_data)
        return 0;
    s->has_data = false;
    return give(s, &s->data, err);
}

/* s->line has ended. */
static int end_line(struct event_stream *s, int64_t stamp, struct err *err)
{
    size_t len = 0;
    if (s->framing == EVENTS_LINES) {
        s->stamp = stamp;
        return s->line.len ? give(s, &s->line, err) : 0;
    }
    if (s->line.len == 0)
        return end_event(s, err);
    const char *value = data_value(s->line.data, s->line.len, &len);
    if (value) {
        if (s->has_data)
            buf_char(&s->data, '\n');
        buf_add(&s->data, value, len);
        s->has_data = true;
        s->stamp = stamp;
        if (s->data.len > s->max)
            return too_long(s, err);
        TRY(buf_check(&s->data, err));
    }
    buf_clear(&s->line);
    return 0;
}

int event_stream_feed(struct event_stream *s, const char *bytes, size_t len, int64_t stamp, struct err *err)
{
    const char *end = bytes + len;
    s->latest = stamp;
    while (bytes < end) {
        if (s->after_cr && *bytes == '\n') { /* the second half of a CRLF ended nothing */
            s->after_cr = false;
            bytes++;
            continue;
        }
        s->after_cr = false;
        const char *stop = bytes;
        while (stop < end && *stop != '\n' && *stop != '\r')
            stop++;
        if (s->line.len + (size_t)(stop - bytes) > s->max)
            return too_long(s, err);
        buf_add(&s->line, bytes, (size_t)(stop - bytes));
        TRY(buf_check(&s->line, err));
        if (stop == end)
            return 0;
        s->after_cr = *stop == '\r';
        bytes = stop + 1;
        int rc = end_line(s, stamp, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

int event_stream_end(struct event_stream *s, struct err *err)
{
    int rc = s->line.len ? end_line(s, s->latest, err) : 0;
    return rc != 0 ? rc : end_event(s, err);
}

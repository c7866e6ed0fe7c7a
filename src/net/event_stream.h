/* event_stream.h - a stream of bytes, cut anywhere, becomes events.
 *
 *     struct event_stream s;
 *     event_stream_init(&s, EVENTS_SSE, 1 << 20, on_event, arg);
 *     while (bytes come)
 *         if (event_stream_feed(&s, bytes, len, stamp, err) != 0) ...   // 1: a callback had enough
 *     TRY(event_stream_end(&s, err));
 *     event_stream_release(&s);
 *
 * EVENTS_SSE: server-sent events. An event is the text of its `data` lines, joined by LF and ended by an empty line;
 * comments, `event`, `id` and `retry` carry nothing; lines end with LF, CR or CRLF. EVENTS_LINES: each line that is not
 * empty is one event. The events are the same however the bytes were cut.
 *
 * An event bears the stamp of the bytes that ended its last line: from then on all of it was there. What is left when
 * the stream ends is an event too: peers forget the last newline, and half an event is for the caller to refuse.
 */
#ifndef NET_EVENT_STREAM_H
#define NET_EVENT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum event_framing { EVENTS_SSE, EVENTS_LINES };

/* `data` is NUL-terminated and borrowed for the call. 0: go on; 1: enough, the rest is not looked at; -1 and err. */
typedef int (*event_seen)(void *arg, const char *data, size_t len, int64_t stamp, struct err *err);

struct event_stream {
    enum event_framing framing;
    size_t max;         /* bytes of an event, and of a line */
    struct buf line;    /* that has not ended yet */
    struct buf data;    /* of the event that has not ended yet */
    bool has_data, after_cr;
    int64_t stamp;      /* of the event that is being read */
    int64_t latest;     /* of the bytes fed last */
    event_seen seen;
    void *arg;
};

void event_stream_init(struct event_stream *s, enum event_framing framing, size_t max, event_seen seen, void *arg);
void event_stream_release(struct event_stream *s);
/* ERR_ENGINE for an event longer than `max`. After anything but 0 the stream must not be fed again. */
int event_stream_feed(struct event_stream *s, const char *bytes, size_t len, int64_t stamp, struct err *err);
int event_stream_end(struct event_stream *s, struct err *err);

#endif

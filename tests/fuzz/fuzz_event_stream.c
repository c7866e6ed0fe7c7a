/* Any bytes, cut where the first byte says, give the events that they give uncut. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/event_stream.h"

static int keep(void *arg, const char *data, size_t len, int64_t stamp, struct err *err)
{
    struct buf *all = arg;
    (void)stamp, (void)err;
    buf_add(all, data, len);
    buf_add(all, "\0|", 2);
    return 0;
}

static int read_all(struct buf *all, enum event_framing framing, const char *bytes, size_t len, size_t step)
{
    struct event_stream s;
    int rc = 0;
    event_stream_init(&s, framing, 4096, keep, all);
    for (size_t at = 0; at < len && rc == 0; at += step)
        rc = event_stream_feed(&s, bytes + at, len - at < step ? len - at : step, 1, NULL);
    if (rc == 0)
        rc = event_stream_end(&s, NULL);
    event_stream_release(&s);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    enum event_framing framing = data[0] & 1 ? EVENTS_LINES : EVENTS_SSE;
    struct buf whole = BUF_INIT(1 << 24), cut = BUF_INIT(1 << 24);
    int a = read_all(&whole, framing, (const char *)data + 1, size - 1, size);
    int b = read_all(&cut, framing, (const char *)data + 1, size - 1, (size_t)(data[0] >> 1) % 13 + 1);
    if (a != b || whole.len != cut.len || (whole.len && memcmp(whole.data, cut.data, whole.len) != 0))
        abort();
    buf_release(&whole);
    buf_release(&cut);
    return 0;
}

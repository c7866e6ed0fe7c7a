/* What can go wrong on the wire, one row a fault: in place of an answer, or in place of an event of a stream. */
#include <string.h>

#include "serve/stand_in.h"

enum { LONG_LINE = 100 << 20, PIECE = 1 << 20, AFTER = 2 };

struct fault {
    const char *name;
    /* In place of the answer to a generation; NULL: the answer is as always. */
    void (*answer)(struct stand_in *s, struct http_answer *a);
    bool everywhere; /* of any route */
    /* After two events of a stream; NULL: the stream goes on. */
    enum http_next (*tell)(struct talk *t, struct buf *out);
};

static void redirect(struct stand_in *s, struct http_answer *a)
{
    (void)s;
    a->status = 302;
    a->location = "http://127.0.0.1:1/elsewhere";
}

static void expired(struct stand_in *s, struct http_answer *a)
{
    answer_error(s, a, 401, "authentication_error", "The API key has expired");
}

static void context(struct stand_in *s, struct http_answer *a)
{
    answer_error(s, a, 400, "exceed_context_size_error", "the request exceeds the available context size (128 tokens)");
}

static void error_in_200(struct stand_in *s, struct http_answer *a)
{
    answer_error(s, a, 500, "server_error", "out of memory on the device");
    a->status = 200;
}

static void html(struct stand_in *s, struct http_answer *a)
{
    (void)s;
    a->content_type = "text/html";
    buf_str(&a->body, "<html><body>It works!</body></html>");
}

static void busy(struct stand_in *s, struct http_answer *a)
{
    answer_error(s, a, 503, "unavailable_error", "Loading model");
}

static enum http_next die(struct talk *t, struct buf *out)
{
    (void)t;
    buf_str(out, "data: {\"choi");
    return HTTP_NEXT_CUT;
}

static enum http_next garbage(struct talk *t, struct buf *out)
{
    (void)t;
    buf_str(out, "data: {\"choices\": [oops}\n\n");
    return HTTP_NEXT_END;
}

static enum http_next endless(struct talk *t, struct buf *out)
{
    (void)t;
    for (size_t i = 0; i < PIECE / 16; i++)
        buf_str(out, ": still here...\n");
    return HTTP_NEXT_MORE;
}

/* As endless, of events that say nothing. */
static enum http_next chatter(struct talk *t, struct buf *out)
{
    bool lines = strcmp(stand_in_dialect(t->s)->stream_type, "application/x-ndjson") == 0;
    buf_str(out, lines ? "{}\n" : "data: {}\n\n");
    return HTTP_NEXT_MORE;
}

static enum http_next silence(struct talk *t, struct buf *out)
{
    (void)out;
    t->fault_phase = -1;
    return HTTP_NEXT_MORE;
}

static enum http_next long_line(struct talk *t, struct buf *out)
{
    char *room = buf_room(out, PIECE);
    memset(room, 'a', PIECE);
    out->len += PIECE;
    return ++t->fault_phase < LONG_LINE / PIECE ? HTTP_NEXT_MORE : HTTP_NEXT_END;
}

static enum http_next error_in_stream(struct talk *t, struct buf *out)
{
    bool lines = strcmp(stand_in_dialect(t->s)->stream_type, "application/x-ndjson") == 0;
    buf_str(out, lines ? "" : "data: ");
    stand_in_dialect(t->s)->error(out, 500, "server_error", "the device was lost");
    buf_str(out, lines ? "\n" : "\n\n");
    return HTTP_NEXT_END;
}

static enum http_next early_end(struct talk *t, struct buf *out)
{
    (void)t;
    (void)out;
    return HTTP_NEXT_END;
}

static const struct fault faults[] = {
    {.name = "redirect", .answer = redirect, .everywhere = true},
    {.name = "expired", .answer = expired, .everywhere = true},
    {.name = "context", .answer = context},
    {.name = "error_200", .answer = error_in_200},
    {.name = "html", .answer = html, .everywhere = true},
    {.name = "busy", .answer = busy, .everywhere = true},
    {.name = "content_type"}, /* of a stream that is fine but for its name: stand_in.c */
    {.name = "die", .tell = die},
    {.name = "garbage", .tell = garbage},
    {.name = "endless", .tell = endless},
    {.name = "chatter", .tell = chatter},
    {.name = "silence", .tell = silence},
    {.name = "long_line", .tell = long_line},
    {.name = "error_in_stream", .tell = error_in_stream},
    {.name = "early_end", .tell = early_end},
    {.name = "no_done"}, /* the stream is whole but for its last word: the dialects' own */
};
enum { N_FAULTS = sizeof faults / sizeof faults[0] };

const char *stand_in_fault_at(size_t i)
{
    return i < N_FAULTS ? faults[i].name : NULL;
}

static const struct fault *fault_of(const struct stand_in *s)
{
    for (size_t i = 0; i < N_FAULTS; i++)
        if (fault_is(s, faults[i].name))
            return &faults[i];
    return NULL;
}

bool fault_answers(struct stand_in *s, bool generates, struct http_answer *a)
{
    const struct fault *f = fault_of(s);
    if (!f || !f->answer || f->everywhere == generates)
        return false;
    f->answer(s, a);
    return true;
}

bool fault_tells(struct talk *t, struct buf *out, enum http_next *rc)
{
    const struct fault *f = fault_of(t->s);
    if (!f || !f->tell || t->at < AFTER)
        return false;
    *rc = f->tell(t, out);
    return true;
}

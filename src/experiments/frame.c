#include "experiments/frame.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { HEAD = 5, READ_STEP = 1 << 16 };

static int write_all(int fd, const void *data, size_t len, struct err *err)
{
    if (file_write_all(fd, data, len) < 0)
        return err_set_errno(err, errno, "the pipe to the other process of the cell");
    return 0;
}

int frame_send_bytes(int fd, enum frame_kind kind, const void *bytes, size_t len, struct err *err)
{
    if (len >= FRAME_MAX)
        return err_set(err, ERR_BUG, "a frame of %zu bytes, at most %d are allowed", len, FRAME_MAX);
    uint32_t n = (uint32_t)len + 1;
    const unsigned char head[HEAD] = {(unsigned char)n, (unsigned char)(n >> 8), (unsigned char)(n >> 16),
                                      (unsigned char)(n >> 24), (unsigned char)kind};
    TRY(write_all(fd, head, HEAD, err));
    return write_all(fd, bytes, len, err);
}

int frame_send(int fd, enum frame_kind kind, const json_t *json, struct err *err)
{
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    if (json && !text)
        return err_set(err, ERR_MEMORY, "out of memory for a frame, or a number in it that JSON cannot hold");
    int rc = frame_send_bytes(fd, kind, text ? text : "", text ? strlen(text) : 0, err);
    free(text);
    return rc;
}

static void drop_taken(struct frame_reader *r)
{
    if (r->taken == 0)
        return;
    memmove(r->in.data, r->in.data + r->taken, r->in.len - r->taken + 1);
    r->in.len -= r->taken;
    r->taken = 0;
}

int frame_next(struct frame_reader *r, struct frame *out, struct err *err)
{
    const unsigned char *p = (const unsigned char *)r->in.data + r->taken;
    size_t have = r->in.len - r->taken;
    if (have < HEAD)
        return 0;
    size_t n = (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
    if (n == 0 || n > FRAME_MAX || !strchr("HCRSDFXGN", p[4]) || p[4] == '\0')
        return err_set(err, ERR_ENGINE, "the other process of the cell does not speak in frames (length %zu, kind %d)",
                       n, p[4]);
    if (have - 4 < n)
        return 0;
    *out = (struct frame){.kind = p[4], .bytes = (const char *)p + HEAD, .len = n - 1};
    r->taken += 4 + n;
    return 1;
}

int frame_fill(struct frame_reader *r, int fd, struct err *err)
{
    drop_taken(r);
    char *room = buf_room(&r->in, READ_STEP);
    if (!room)
        return buf_check(&r->in, err);
    ssize_t n;
    do
        n = read(fd, room, READ_STEP);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_set_errno(err, errno, "the pipe from the other process of the cell");
    r->in.len += (size_t)n;
    r->in.data[r->in.len] = '\0';
    return n > 0;
}

int frame_wait(struct frame_reader *r, int fd, struct frame *out, struct err *err)
{
    for (;;) {
        int rc = frame_next(r, out, err);
        if (rc != 0)
            return rc;
        rc = frame_fill(r, fd, err);
        if (rc <= 0)
            return rc;
    }
}

json_t *frame_json(const struct frame *f, struct err *err)
{
    json_error_t where;
    json_t *json = json_loadb(f->bytes, f->len, JSON_REJECT_DUPLICATES, &where);
    if (!json)
        err_set(err, ERR_ENGINE, "frame '%c': %s", f->kind, where.text);
    return json;
}

void frame_reader_release(struct frame_reader *r)
{
    buf_release(&r->in);
    r->taken = 0;
}

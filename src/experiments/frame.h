/* frame.h - what a run and the child that runs a cell say to each other, over two pipes.
 *
 * A frame is four bytes of length (little-endian, of what follows), one byte of kind, and a payload: JSON, or nothing.
 * Both sides first say hello with FRAME_PROTOCOL; another number ends the talk with an error, since the two programs
 * are not of one build.
 *
 *     child  -> parent   HELLO {"protocol": 1}
 *     parent -> child    CELL  the specification (cell.h)
 *     child  -> parent   READY what was opened
 *     child  -> parent   SAMPLE a line for the raw log, once for each timed request
 *     child  -> parent   NOTE  a line for the raw log that is no sample: the first request, what a sample means
 *     parent -> child    GO: READY, SAMPLE or NOTE is stored. The child waits for it, so that nothing that its parent does
 *                        (hashing a model, waiting for the disk) falls into a clock
 *     child  -> parent   DONE, or FAILED {"code", "text", "hint"}
 *     parent -> child    STOP: end after the request in flight
 */
#ifndef EXPERIMENTS_FRAME_H
#define EXPERIMENTS_FRAME_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

enum { FRAME_PROTOCOL = 1, FRAME_MAX = 64 << 20 };
enum frame_kind {
    FRAME_HELLO = 'H', FRAME_CELL = 'C', FRAME_READY = 'R', FRAME_SAMPLE = 'S', FRAME_DONE = 'D', FRAME_FAILED = 'F',
    FRAME_STOP = 'X', FRAME_GO = 'G', FRAME_NOTE = 'N'
};

/* Writes one frame whole; json NULL: no payload. */
int frame_send(int fd, enum frame_kind kind, const json_t *json, struct err *err);
int frame_send_bytes(int fd, enum frame_kind kind, const void *bytes, size_t len, struct err *err);

/* What came in and was not taken yet. */
struct frame_reader {
    struct buf in;
    size_t taken;
};

struct frame {
    enum frame_kind kind;
    const char *bytes; /* borrowed until the next call with this reader */
    size_t len;
};

#define FRAME_READER_INIT {.in = BUF_INIT(FRAME_MAX + 65536), .taken = 0}

/* Takes the next whole frame out of what was read: 1 and *out, 0 when more must be read first, -1 for a length or kind
 * that no frame has. */
int frame_next(struct frame_reader *r, struct frame *out, struct err *err);
/* Reads once what the pipe holds: 1, 0 at its end, -1. Blocks when it holds nothing. */
int frame_fill(struct frame_reader *r, int fd, struct err *err);
/* Blocks for the next frame: 1, 0 at the end of the pipe, -1. */
int frame_wait(struct frame_reader *r, int fd, struct frame *out, struct err *err);
/* The payload as JSON, a new reference; NULL and err if it is none. */
json_t *frame_json(const struct frame *f, struct err *err);
void frame_reader_release(struct frame_reader *r);

#endif

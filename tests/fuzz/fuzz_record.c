/* Any bytes as a line of a raw log: a record that is written back and read again, or an error. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "store/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int again(const json_t *line, enum record_kind kind, struct arena *arena, struct buf *out, struct err *err)
{
    struct record_open open;
    struct record_ready ready;
    struct sample_request request;
    struct sample_value value;
    struct cell_record cell;
    struct record_close close;
    switch (kind) {
    case RECORD_OPEN:
        TRY(record_open_read(&open, line, err));
        return record_open_write(out, &open, err);
    case RECORD_READY:
        TRY(record_ready_read(&ready, line, err));
        return record_ready_write(out, &ready, err);
    case RECORD_REQUEST:
        TRY(record_request_read(&request, line, arena, err));
        return record_request_write(out, &request, err);
    case RECORD_VALUE:
        TRY(record_value_read(&value, line, err));
        return record_value_write(out, &value, err);
    case RECORD_CELL:
        TRY(record_cell_read(&cell, line, err));
        return record_cell_write(out, &cell, err);
    case RECORD_CLOSE:
        TRY(record_close_read(&close, line, err));
        return record_close_write(out, &close, err);
    default:
        return err_set(err, ERR_UNSUPPORTED, "another kind");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    struct arena arena = ARENA_INIT(64 << 20);
    struct buf out = BUF_INIT(64 << 20);
    enum record_kind kind;
    json_t *line = json_parse((const char *)data, size, "fuzz", &err);
    if (line && record_kind_of(&kind, line, &err) == 0 && again(line, kind, &arena, &out, &err) == 0) {
        json_t *copy = json_parse(out.data, out.len, "own", &err); /* what we write, we read */
        enum record_kind own;
        if (!copy || record_kind_of(&own, copy, &err) < 0 || own != kind)
            abort();
        json_decref(copy);
    } else if (err.code == ERR_NONE) {
        abort();
    }
    json_decref(line);
    arena_release(&arena);
    buf_release(&out);
    return 0;
}

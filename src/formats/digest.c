/* SHA-256 of the weights: the number that the hub and `sha256sum` print, so that a result can name its model. */
#include "base/hash.h"
#include "formats/table.h"

/* Of all files together, while one of them is read. */
struct sum {
    uint64_t before, total;
    tick_fn tick;
    void *arg;
};

static int tell(void *arg, uint64_t done, uint64_t of_this_file, struct err *err)
{
    const struct sum *s = arg;
    (void)of_this_file;
    return s->tick(s->arg, s->before + done, s->total, err);
}

static int hash_file(char hex[65], const struct file_map *m, struct sum *s, struct err *err)
{
    TRY(sha256_bytes(hex, m->data, m->size, s->tick ? tell : NULL, s, err));
    s->before += m->size;
    return 0;
}

int model_file_sha256(const struct model_file *f, char hex[65], tick_fn tick, void *arg, struct err *err)
{
    struct sum s = {.total = model_file_bytes(f), .tick = tick, .arg = arg};
    if (f->n_sources == 1)
        return hash_file(hex, &f->sources[0].map, &s, err);
    struct buf lines = BUF_INIT(64 << 20);
    int rc = 0;
    for (size_t i = 0; i < f->n_sources && rc == 0; i++) {
        rc = hash_file(hex, &f->sources[i].map, &s, err);
        buf_printf(&lines, "%s  %s\n", hex, path_base(f->sources[i].map.path));
    }
    if (rc == 0)
        rc = buf_check(&lines, err);
    if (rc == 0)
        rc = sha256_bytes(hex, lines.data, lines.len, NULL, NULL, err);
    buf_release(&lines);
    return rc;
}

/* SHA-256 of the weights: the number that the hub and `sha256sum` print, so that a result can name its model. */
#include "base/hash.h"
#include "formats/table.h"

int model_file_sha256(const struct model_file *f, char hex[65], struct err *err)
{
    if (f->n_sources == 1)
        return sha256_bytes(hex, f->sources[0].map.data, f->sources[0].map.size, NULL, NULL, err);
    struct buf lines = BUF_INIT(64 << 20);
    int rc = 0;
    for (size_t i = 0; i < f->n_sources && rc == 0; i++) {
        const struct file_map *m = &f->sources[i].map;
        rc = sha256_bytes(hex, m->data, m->size, NULL, NULL, err);
        buf_printf(&lines, "%s  %s\n", hex, path_base(m->path));
    }
    if (rc == 0)
        rc = buf_check(&lines, err);
    if (rc == 0)
        rc = sha256_bytes(hex, lines.data, lines.len, NULL, NULL, err);
    buf_release(&lines);
    return rc;
}

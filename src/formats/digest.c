/* SHA-256 of the weights: the number that the hub and `sha256sum` print, so that a result can name its model. */
#include <string.h>

#include <openssl/evp.h>

#include "formats/table.h"

enum { STEP = 1 << 24 };

static int digest(char hex[65], const void *data, size_t size, struct err *err)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    int ok = c && EVP_DigestInit_ex(c, EVP_sha256(), NULL);
    for (size_t at = 0; ok && at < size; at += STEP)
        ok = EVP_DigestUpdate(c, (const char *)data + at, size - at < STEP ? size - at : STEP);
    ok = ok && EVP_DigestFinal_ex(c, bytes, &n) && n == 32;
    EVP_MD_CTX_free(c);
    if (!ok)
        return err_set(err, ERR_MEMORY, "SHA-256 failed: out of memory");
    for (int i = 0; i < 32; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[64] = '\0';
    return 0;
}

int model_file_sha256(const struct model_file *f, char hex[65], struct err *err)
{
    if (f->n_sources == 1)
        return digest(hex, f->sources[0].map.data, f->sources[0].map.size, err);
    struct buf lines = BUF_INIT(64 << 20);
    int rc = 0;
    for (size_t i = 0; i < f->n_sources && rc == 0; i++) {
        const struct file_map *m = &f->sources[i].map;
        rc = digest(hex, m->data, m->size, err);
        buf_printf(&lines, "%s  %s\n", hex, path_base(m->path));
    }
    if (rc == 0)
        rc = buf_check(&lines, err);
    if (rc == 0)
        rc = digest(hex, lines.data ? lines.data : "", lines.len, err);
    buf_release(&lines);
    return rc;
}

#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/evp.h>

#include "base/mem.h"

enum { STEP = 1 << 24, BLOCK = 1 << 20 };

struct sha256 {
    EVP_MD_CTX *context;
    uint64_t done, ticked, total;
    tick_fn tick;
    void *arg;
};

static int failed(struct err *err)
{
    return err_set(err, ERR_MEMORY, "SHA-256 failed: out of memory");
}

static int begin(struct sha256 *h, uint64_t total, tick_fn tick, void *arg, struct err *err)
{
    *h = (struct sha256){.context = EVP_MD_CTX_new(), .total = total, .tick = tick, .arg = arg};
    if (h->context && EVP_DigestInit_ex(h->context, EVP_sha256(), NULL))
        return 0;
    EVP_MD_CTX_free(h->context);
    return failed(err);
}

static int add(struct sha256 *h, const void *data, size_t size, struct err *err)
{
    if (!EVP_DigestUpdate(h->context, data, size))
        return failed(err);
    h->done += size;
    if (!h->tick || h->done - h->ticked < STEP)
        return 0;
    h->ticked = h->done;
    return h->tick(h->arg, h->done, h->total, err);
}

/* Frees what begin made, whatever `rc` says of the steps between. */
static int end(struct sha256 *h, int rc, char hex[65], struct err *err)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    if (rc == 0 && h->tick && (h->ticked != h->done || h->done == 0))
        rc = h->tick(h->arg, h->done, h->total, err);
    if (rc == 0 && (!EVP_DigestFinal_ex(h->context, bytes, &n) || n != 32))
        rc = failed(err);
    EVP_MD_CTX_free(h->context);
    if (rc < 0)
        return -1;
    for (int i = 0; i < 32; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[64] = '\0';
    return 0;
}

int sha256_bytes(char hex[65], const void *data, size_t size, tick_fn tick, void *arg, struct err *err)
{
    struct sha256 h;
    int rc = 0;
    TRY(begin(&h, size, tick, arg, err));
    for (size_t at = 0; rc == 0 && at < size; at += STEP)
        rc = add(&h, (const char *)data + at, size - at < STEP ? size - at : STEP, err);
    return end(&h, rc, hex, err);
}

static int hash_rest(char hex[65], FILE *in, const char *name, uint64_t total, tick_fn tick, void *arg,
                     struct err *err)
{
    struct sha256 h;
    int rc = 0;
    char *block = mem_alloc(BLOCK, 1, err);
    if (!block)
        return -1;
    if (begin(&h, total, tick, arg, err) < 0) {
        free(block);
        return -1;
    }
    size_t n;
    errno = 0;
    while (rc == 0 && (n = fread(block, 1, BLOCK, in)) > 0)
        rc = add(&h, block, n, err);
    if (rc == 0 && ferror(in))
        rc = err_set_errno(err, errno, "cannot read '%s'", name);
    free(block);
    return end(&h, rc, hex, err);
}

int sha256_stream(char hex[65], FILE *in, const char *name, tick_fn tick, void *arg, struct err *err)
{
    return hash_rest(hex, in, name, 0, tick, arg, err);
}

int sha256_file(char hex[65], const char *path, tick_fn tick, void *arg, struct err *err)
{
    struct stat st;
    FILE *in = fopen(path, "rbe");
    if (!in)
        return err_set_errno(err, errno, "cannot open '%s'", path);
    uint64_t total = fstat(fileno(in), &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
    int rc = hash_rest(hex, in, path, total, tick, arg, err);
    fclose(in);
    return rc;
}

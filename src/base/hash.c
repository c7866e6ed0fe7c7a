#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/evp.h>

#include "base/mem.h"

enum { STEP = 1 << 24, BLOCK = 1 << 20 };

/* Of either kind. */
struct digest {
    EVP_MD_CTX *context;
    uint64_t done, ticked, total;
    tick_fn tick;
    void *arg;
};

static int failed(struct err *err)
{
    return err_set(err, ERR_MEMORY, "hashing failed: out of memory");
}

static int begin(struct digest *h, const EVP_MD *kind, uint64_t total, tick_fn tick, void *arg, struct err *err)
{
    *h = (struct digest){.context = EVP_MD_CTX_new(), .total = total, .tick = tick, .arg = arg};
    if (h->context && EVP_DigestInit_ex(h->context, kind, NULL))
        return 0;
    EVP_MD_CTX_free(h->context);
    return failed(err);
}

static int add(struct digest *h, const void *data, size_t size, struct err *err)
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
static int end(struct digest *h, int rc, char *hex, struct err *err)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int n = 0;
    if (rc == 0 && h->tick && (h->ticked != h->done || h->done == 0))
        rc = h->tick(h->arg, h->done, h->total, err);
    if (rc == 0 && (!EVP_DigestFinal_ex(h->context, bytes, &n)))
        rc = failed(err);
    EVP_MD_CTX_free(h->context);
    if (rc < 0)
        return -1;
    for (unsigned i = 0; i < n; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[2 * n] = '\0';
    return 0;
}

int sha256_bytes(char hex[65], const void *data, size_t size, tick_fn tick, void *arg, struct err *err)
{
    struct digest h;
    int rc = 0;
    TRY(begin(&h, EVP_sha256(), size, tick, arg, err));
    for (size_t at = 0; rc == 0 && at < size; at += STEP)
        rc = add(&h, (const char *)data + at, size - at < STEP ? size - at : STEP, err);
    return end(&h, rc, hex, err);
}

static int add_rest(struct digest *h, FILE *in, const char *name, struct err *err)
{
    int rc = 0;
    char *block = mem_alloc(BLOCK, 1, err);
    if (!block)
        return -1;
    size_t n;
    errno = 0;
    while (rc == 0 && (n = fread(block, 1, BLOCK, in)) > 0)
        rc = add(h, block, n, err);
    if (rc == 0 && ferror(in))
        rc = err_set_errno(err, errno, "cannot read '%s'", name);
    free(block);
    return rc;
}

int sha256_stream(char hex[65], FILE *in, const char *name, tick_fn tick, void *arg, struct err *err)
{
    struct digest h;
    TRY(begin(&h, EVP_sha256(), 0, tick, arg, err));
    return end(&h, add_rest(&h, in, name, err), hex, err);
}

static FILE *open_file(const char *path, uint64_t *size, struct err *err)
{
    struct stat st;
    FILE *in = fopen(path, "rbe");
    if (!in)
        err_set_errno(err, errno, "cannot open '%s'", path);
    else
        *size = fstat(fileno(in), &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
    return in;
}

int sha256_file(char hex[65], const char *path, tick_fn tick, void *arg, struct err *err)
{
    struct digest h;
    uint64_t total;
    FILE *in = open_file(path, &total, err);
    if (!in)
        return -1;
    int rc = begin(&h, EVP_sha256(), total, tick, arg, err);
    if (rc == 0)
        rc = end(&h, add_rest(&h, in, path, err), hex, err);
    fclose(in);
    return rc;
}

int git_blob_file(char hex[41], const char *path, struct err *err)
{
    struct digest h;
    uint64_t total;
    char head[32];
    FILE *in = open_file(path, &total, err);
    if (!in)
        return -1;
    int rc = begin(&h, EVP_sha1(), total, NULL, NULL, err);
    if (rc == 0) {
        int len = snprintf(head, sizeof head, "blob %llu", (unsigned long long)total) + 1; /* its NUL counts */
        rc = add(&h, head, (size_t)len, err);
        rc = end(&h, rc == 0 ? add_rest(&h, in, path, err) : rc, hex, err);
    }
    fclose(in);
    return rc;
}

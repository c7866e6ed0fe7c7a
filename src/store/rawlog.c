#include "store/rawlog.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"

struct rawlog {
    int fd;
    char *path;
    struct buf line;
    off_t size;        /* bytes that are whole records (or were there before) */
    uint64_t n_records;
    size_t torn_bytes;
    bool full;         /* a write failed: nothing more is taken */
};

struct run_lock {
    int fd;
};

/* ---- the lock --------------------------------------------------------------------------------------------------- */

int run_lock_take(struct run_lock **out, const char *dir, struct err *err)
{
    TRY(file_mkdirs(dir, err));
    char *path = path_join(dir, ".lock", err);
    if (!path)
        return -1;
    int rc = -1;
    struct run_lock *l = mem_zalloc(1, sizeof *l, err);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (!l)
        goto out;
    if (fd < 0) {
        err_set_errno(err, errno, "cannot create '%s'", path);
        goto out;
    }
    char text[32];
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        int errnum = errno;
        ssize_t n = pread(fd, text, sizeof text - 1, 0);
        text[n > 0 ? n : 0] = '\0';
        long pid = strtol(text, NULL, 10);
        if (errnum != EWOULDBLOCK)
            err_set_errno(err, errnum, "cannot lock '%s'", path);
        else if (pid > 0)
            err_set(err, ERR_USAGE, "'%s' is in use by another run, process %ld", dir, pid);
        else
            err_set(err, ERR_USAGE, "'%s' is in use by another run", dir);
        err_hint(err, "wait for it, or give another folder with --out");
        goto out;
    }
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n) {
        err_set_errno(err, errno, "cannot write '%s'", path);
        goto out;
    }
    l->fd = fd;
    fd = -1;
    *out = l;
    l = NULL;
    rc = 0;
out:
    if (fd >= 0)
        close(fd);
    free(l);
    free(path);
    return rc;
}

void run_lock_release(struct run_lock *l)
{
    if (!l)
        return;
    if (ftruncate(l->fd, 0) < 0) {
        /* the number of a process that is gone stays: harmless, it is read only while the lock is held */
    }
    close(l->fd);
    free(l);
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

/* Letters, digits, '.', '+' and '-' stay; '_' separates the parts and so becomes '-', as all else does. */
static void add_part(struct buf *b, const char *s)
{
    enum { PART_MAX = 60 };
    if (!s || !*s)
        s = "unknown";
    size_t n = strlen(s);
    if (n > PART_MAX) /* of a path the end says more */
        s += n - PART_MAX;
    for (size_t i = 0; s[i]; i++) {
        char c = s[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '+' ||
                     (c == '.' && i > 0);
        buf_char(b, plain ? c : '-');
    }
}

int rawlog_path(char **out, const char *dir, const struct record_open *open, struct err *err)
{
    struct buf b = BUF_INIT(1 << 16);
    buf_printf(&b, "%s/raw/", dir);
    add_part(&b, open->engine);
    if (open->variant && *open->variant) {
        buf_char(&b, '-');
        add_part(&b, open->variant);
    }
    buf_char(&b, '_');
    add_part(&b, open->model);
    buf_char(&b, '/');
    add_part(&b, open->host);
    buf_char(&b, '_');
    add_part(&b, open->size);
    buf_char(&b, '_');
    add_part(&b, open->quantize);
    buf_printf(&b, "_seed%llu_uuid", (unsigned long long)open->seed);
    for (const char *c = open->run; c && *c; c++)
        if ((*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z'))
            buf_char(&b, *c);
    buf_str(&b, ".txt");
    *out = buf_take(&b, err);
    buf_release(&b);
    return *out ? 0 : -1;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

/* l->line holds a record without its newline. */
static int flush_line(struct rawlog *l, struct err *err)
{
    buf_char(&l->line, '\n');
    TRY(buf_check(&l->line, err));
    if (l->full)
        return err_set(err, ERR_IO, "'%s' takes no more since a write failed", l->path);
    if (file_write_all(l->fd, l->line.data, l->line.len) < 0 || fsync(l->fd) < 0) {
        int errnum = errno;
        l->full = true;
        if (ftruncate(l->fd, l->size) < 0) {
            /* then the torn line stays, and readers skip it */
        }
        err_set_errno(err, errnum, "cannot append to '%s' after %llu records", l->path, (unsigned long long)l->n_records);
        return err_hint(err, "what was logged before is kept: make room, then take the run up again with --resume");
    }
    l->size += (off_t)l->line.len;
    l->n_records++;
    return 0;
}

int rawlog_line(struct rawlog *l, const char *line, size_t len, struct err *err)
{
    if (len == 0 || memchr(line, '\n', len))
        return err_set(err, ERR_BUG, "a record for '%s' is not one line", l->path);
    buf_clear(&l->line);
    buf_add(&l->line, line, len);
    return flush_line(l, err);
}

int rawlog_ready(struct rawlog *l, const struct record_ready *r, struct err *err)
{
    buf_clear(&l->line);
    TRY(record_ready_write(&l->line, r, err));
    return flush_line(l, err);
}

int rawlog_request(struct rawlog *l, const struct sample_request *r, struct err *err)
{
    buf_clear(&l->line);
    TRY(record_request_write(&l->line, r, err));
    return flush_line(l, err);
}

int rawlog_value(struct rawlog *l, const struct sample_value *r, struct err *err)
{
    buf_clear(&l->line);
    TRY(record_value_write(&l->line, r, err));
    return flush_line(l, err);
}

int rawlog_cell(struct rawlog *l, const struct cell_record *r, struct err *err)
{
    buf_clear(&l->line);
    TRY(record_cell_write(&l->line, r, err));
    return flush_line(l, err);
}

/* The new name must be on the disk too: fsync of the folder it is in. */
static int sync_folder(const char *path, struct err *err)
{
    char *dir = mem_strndup(path, (size_t)(path_base(path) - path), err);
    if (!dir)
        return -1;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
    if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL)) /* some file systems have no fsync of folders */
        rc = err_set_errno(err, errno, "cannot sync the folder '%s'", dir);
    if (fd >= 0)
        close(fd);
    free(dir);
    return rc;
}

static int make_folder_of(const char *path, struct err *err)
{
    char *dir = mem_strndup(path, (size_t)(path_base(path) - path), err);
    int rc = dir ? file_mkdirs(dir, err) : -1;
    free(dir);
    return rc;
}

/* What an existing log ends with: *torn bytes after the last newline, and whether any whole line is an open record. */
struct inspection {
    bool opened;
};

static int look_for_open(void *arg, enum record_kind kind, const json_t *line, uint64_t offset, struct err *err)
{
    (void)line, (void)offset, (void)err;
    struct inspection *i = arg;
    i->opened |= kind == RECORD_OPEN;
    return 0;
}

int rawlog_open(struct rawlog **out, const char *dir, const struct record_open *open_record, struct err *err)
{
    struct rawlog *l = mem_zalloc(1, sizeof *l, err);
    struct stat st;
    if (!l)
        return -1;
    l->fd = -1;
    buf_init(&l->line, RECORD_LINE_MAX);
    if (rawlog_path(&l->path, dir, open_record, err) < 0 || make_folder_of(l->path, err) < 0)
        goto fail;
    l->fd = open(l->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (l->fd < 0 || fstat(l->fd, &st) < 0) {
        err_set_errno(err, errno, "cannot open '%s'", l->path);
        goto fail;
    }
    l->size = st.st_size;
    struct inspection found = {0};
    if (st.st_size > 0) {
        uint64_t end;
        struct rawlog_events events = {.record = look_for_open, .arg = &found};
        if (rawlog_read(l->path, 0, &end, &events, err) < 0)
            goto fail;
        l->torn_bytes = (size_t)((uint64_t)st.st_size - end);
        if (l->torn_bytes > 0) { /* ended here, so that it stays one damaged line */
            if (file_write_all(l->fd, "\n", 1) < 0) {
                err_set_errno(err, errno, "cannot append to '%s'", l->path);
                goto fail;
            }
            l->size++;
        }
    }
    buf_clear(&l->line);
    char now[32];
    if (found.opened) {
        if (record_resume_write(&l->line, clock_iso(clock_real_ms(), now), l->torn_bytes, err) < 0)
            goto fail;
    } else if (record_open_write(&l->line, open_record, err) < 0) {
        goto fail;
    }
    if (flush_line(l, err) < 0 || sync_folder(l->path, err) < 0)
        goto fail;
    *out = l;
    return 0;
fail:
    rawlog_close(l, NULL, NULL);
    return -1;
}

const char *rawlog_file(const struct rawlog *l)
{
    return l->path;
}

size_t rawlog_torn_bytes(const struct rawlog *l)
{
    return l->torn_bytes;
}

int rawlog_close(struct rawlog *l, const struct record_close *r, struct err *err)
{
    if (!l)
        return 0;
    int rc = 0;
    if (r) {
        buf_clear(&l->line);
        rc = record_close_write(&l->line, r, err);
        if (rc == 0)
            rc = flush_line(l, err);
    }
    if (l->fd >= 0)
        close(l->fd);
    buf_release(&l->line);
    free(l->path);
    free(l);
    return rc;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static int one_line(const struct rawlog_events *events, const char *path, const char *line, size_t len, uint64_t offset,
                    struct err *err)
{
    struct err why = ERR_INIT;
    enum record_kind kind = RECORD_OTHER;
    json_t *v = json_parse(line, len, path, &why);
    if (!v || record_kind_of(&kind, v, &why) < 0) {
        json_decref(v);
        if (why.code == ERR_MEMORY)
            return err_set(err, ERR_MEMORY, "%s", why.text);
        if (events->damaged)
            events->damaged(events->arg, offset, len, false, why.text);
        return 0;
    }
    int rc = events->record(events->arg, kind, v, offset, err);
    json_decref(v);
    return rc;
}

int rawlog_read(const char *path, uint64_t from, uint64_t *end, const struct rawlog_events *events, struct err *err)
{
    int rc = -1, fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, errno, "cannot open '%s'", path);
    struct buf in = BUF_INIT(RECORD_LINE_MAX + (1 << 20));
    uint64_t at = from; /* of in.data[0] */
    bool skipping = false; /* inside a line longer than any record: its bytes are not kept */
    for (;;) {
        char *to = buf_room(&in, 1 << 18);
        if (!to) { /* a line of RECORD_LINE_MAX bytes and no newline: no record of ours */
            if (in.len < RECORD_LINE_MAX && buf_check(&in, err) < 0)
                goto out;
            if (!skipping && events->damaged)
                events->damaged(events->arg, at, in.len, false, "a line longer than any record");
            skipping = true;
            at += in.len;
            buf_clear(&in);
            continue;
        }
        ssize_t n = pread(fd, to, 1 << 18, (off_t)(at + in.len));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            err_set_errno(err, errno, "cannot read '%s'", path);
            goto out;
        }
        if (n == 0)
            break;
        size_t scanned = in.len; /* before it there is no newline */
        in.len += (size_t)n;
        in.data[in.len] = '\0';
        size_t begin = 0;
        for (char *nl; (nl = memchr(in.data + scanned, '\n', in.len - scanned));) {
            size_t len = (size_t)(nl - in.data) - begin;
            if (!skipping && len > 0 && one_line(events, path, in.data + begin, len, at + begin, err) < 0)
                goto out;
            skipping = false;
            begin = scanned = (size_t)(nl - in.data) + 1;
        }
        at += begin;
        memmove(in.data, in.data + begin, in.len - begin);
        in.len -= begin;
    }
    if (in.len > 0 && events->damaged)
        events->damaged(events->arg, at, in.len, true, "the last line is not whole");
    if (end)
        *end = at;
    rc = 0;
out:
    buf_release(&in);
    close(fd);
    return rc;
}

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

int file_map(struct file_map *m, const char *path, struct err *err)
{
    *m = (struct file_map){0};
    struct stat st;
    int rc = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, errno, "cannot open '%s'", path);
    if (fstat(fd, &st) < 0) {
        err_set_errno(err, errno, "cannot stat '%s'", path);
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        err_set(err, ERR_INPUT, "'%s' is %s, not a file", path, S_ISDIR(st.st_mode) ? "a folder" : "a device or pipe");
        goto out;
    }
    if (st.st_size > 0) {
        void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (p == MAP_FAILED) {
            err_set_errno(err, errno, "cannot map '%s' (%lld bytes)", path, (long long)st.st_size);
            goto out;
        }
        m->data = p;
        m->size = (size_t)st.st_size;
    }
    m->path = mem_strdup(path, err);
    if (!m->path) {
        file_unmap(m);
        goto out;
    }
    rc = 0;
out:
    close(fd);
    return rc;
}

void file_unmap(struct file_map *m)
{
    if (m->data)
        munmap((void *)m->data, m->size);
    free(m->path);
    *m = (struct file_map){0};
}

int file_read(struct buf *text, const char *path, size_t max, struct err *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    const char *name = is_stdin ? "standard input" : path;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, errno, "cannot open '%s'", name);
    int rc = -1;
    size_t total = 0;
    for (;;) {
        char *to = buf_room(text, 64 * 1024);
        if (!to) {
            buf_check(text, err);
            break;
        }
        ssize_t n = read(fd, to, 64 * 1024);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            err_set_errno(err, errno, "cannot read '%s'", name);
            break;
        }
        text->len += (size_t)n;
        text->data[text->len] = '\0';
        total += (size_t)n;
        if (total > max) {
            err_set(err, ERR_INPUT, "'%s' is larger than the %zu bytes allowed for such a file", name, max);
            break;
        }
        if (n == 0) {
            rc = 0;
            break;
        }
    }
    if (!is_stdin)
        close(fd);
    return rc;
}

int file_write_all(int fd, const void *data, size_t len)
{
    sigset_t faults, before;
    int errnum = 0;
    sigemptyset(&faults);
    sigaddset(&faults, SIGXFSZ);
    sigaddset(&faults, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &faults, &before);
    for (const char *at = data; len > 0 && errnum == 0;) {
        ssize_t n = write(fd, at, len);
        if (n < 0 && errno != EINTR)
            errnum = errno;
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
    int raised = errnum == EFBIG ? SIGXFSZ : errnum == EPIPE ? SIGPIPE : 0;
    if (raised && !sigismember(&before, raised)) { /* it waits for the mask to fall: take it away */
        sigemptyset(&faults);
        sigaddset(&faults, raised);
        sigtimedwait(&faults, NULL, &(struct timespec){0});
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = errnum;
    return errnum ? -1 : 0;
}

int file_write(const char *path, const void *data, size_t len, struct err *err)
{
    int rc = -1, fd = -1;
    char *temp = mem_printf(err, "%s.XXXXXX", path);
    if (!temp)
        return -1;
    fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0) {
        err_set_errno(err, errno, "cannot create a file beside '%s'", path);
        goto out;
    }
    mode_t mask = umask(0);
    umask(mask);
    if (fchmod(fd, 0666 & ~mask) < 0 || file_write_all(fd, data, len) < 0 || fsync(fd) < 0 || rename(temp, path) < 0) {
        err_set_errno(err, errno, "cannot write '%s'", path);
        unlink(temp);
        goto out;
    }
    rc = 0;
out:
    if (fd >= 0)
        close(fd);
    free(temp);
    return rc;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool file_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int file_mkdirs(const char *path, struct err *err)
{
    char *copy = mem_strdup(path, err);
    if (!copy)
        return -1;
    int rc = 0;
    for (char *p = copy + 1; rc == 0 && *copy; p++) {
        if (*p != '/' && *p != '\0')
            continue;
        char kept = *p;
        *p = '\0';
        if (mkdir(copy, 0777) < 0 && !(errno == EEXIST && file_is_dir(copy)))
            rc = err_set_errno(err, errno, "cannot make the folder '%s'", copy);
        *p = kept;
        if (!kept)
            break;
    }
    free(copy);
    return rc;
}

char *path_join(const char *dir, const char *name, struct err *err)
{
    size_t len = strlen(dir);
    return mem_printf(err, "%s%s%s", dir, len && dir[len - 1] == '/' ? "" : "/", name);
}

const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *path_ext(const char *path)
{
    const char *base = path_base(path);
    const char *dot = strrchr(base, '.');
    return dot && dot != base ? dot : "";
}

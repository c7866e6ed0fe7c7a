#include "base/new_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

int new_file_begin(struct new_file *f, const char *path, struct err *err)
{
    f->path = mem_strdup(path, err);
    f->temporary = mem_printf(err, "%s.part%ld", path, (long)getpid());
    if (!f->path || !f->temporary)
        return -1;
    f->file = fopen(f->temporary, "wbe");
    return f->file ? 0 : err_set_errno(err, errno, "cannot write '%s'", f->temporary);
}

int new_file_add(struct new_file *f, const void *bytes, size_t n, struct err *err)
{
    if (n > 0 && fwrite(bytes, 1, n, f->file) != n)
        return err_set_errno(err, errno, "cannot write '%s'", f->temporary);
    return 0;
}

int new_file_finish(struct new_file *f, struct err *err)
{
    FILE *file = f->file;
    f->file = NULL;
    bool ok = fflush(file) == 0 && fsync(fileno(file)) == 0;
    int errnum = errno;
    if (fclose(file) != 0 && ok) {
        ok = false;
        errnum = errno;
    }
    if (ok && rename(f->temporary, f->path) == 0)
        return 0;
    if (ok)
        errnum = errno;
    unlink(f->temporary);
    return err_set_errno(err, errnum, "cannot write '%s'", f->path);
}

void new_file_release(struct new_file *f)
{
    if (f->file) {
        fclose(f->file);
        unlink(f->temporary);
    }
    free(f->path);
    free(f->temporary);
    *f = (struct new_file){0};
}

#include "cli/work.h"

#include <stdio.h>

#include "cli/interrupt.h"

void work_begin(struct work *w, const struct invocation *in, const char *label, const char *unit)
{
    struct progress_style style = progress_style_of(stderr, in->quiet, in->verbose || in->debug);
    interrupt_catch();
    progress_start(&w->line, stderr, &style, label, unit, 0);
}

int work_tick(void *work, uint64_t done, uint64_t total, struct err *err)
{
    struct work *w = work;
    if (interrupted)
        return err_set(err, ERR_INTERRUPTED, "stopped");
    w->line.total = total;
    progress_at(&w->line, done);
    return 0;
}

void work_end(struct work *w)
{
    progress_finish(&w->line);
}

int work_model_sha256(const struct model_file *f, const struct invocation *in, char hex[65], struct err *err)
{
    struct work w;
    work_begin(&w, in, "hashing", "bytes");
    int rc = model_file_sha256(f, hex, work_tick, &w, err);
    work_end(&w);
    return rc;
}

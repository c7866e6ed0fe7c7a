#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/help.h"

static int write_page(const char *dir, const struct command *parent, const struct command *c, struct err *err)
{
    struct buf b = BUF_INIT(1 << 20);
    int result = -1;
    char *path = mem_printf(err, "%s/prony%s%s%s%s.1", dir, parent ? "-" : "", parent ? parent->name : "", c ? "-" : "",
                            c ? c->name : "");
    if (!path)
        goto out;
    man_page(&b, parent, c);
    if (buf_check(&b, err) == 0)
        result = file_write(path, b.data, b.len, err);
out:
    free(path);
    buf_release(&b);
    return result;
}

static int run(struct invocation *in, struct err *err)
{
    const char *dir = in->args[0];
    TRY(file_mkdirs(dir, err));
    TRY(write_page(dir, NULL, NULL, err));
    for (size_t i = 0; i < command_count(); i++) {
        const struct command *c = command_at(i);
        if (c->hidden)
            continue;
        TRY(write_page(dir, NULL, c, err));
        for (size_t j = 0; c->actions && c->actions[j]; j++)
            TRY(write_page(dir, c, c->actions[j], err));
    }
    return EXIT_DONE;
}

static const struct example examples[] = {{"prony man build/man", "write all man pages"}, {0},
};

const struct command command_man = {
    .name = "man",
    .summary = "write the man pages of all commands into a folder",
    .synopsis = "DIR",
    .examples = examples,
    .min_args = 1,
    .max_args = 1,
    .hidden = true,
    .run = run,
};

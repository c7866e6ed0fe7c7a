#include "cli/command.h"
#include "cli/help.h"

static int run(struct invocation *in, struct err *err)
{
    struct buf b = BUF_INIT(1 << 20);
    const struct command *parent = NULL, *c = NULL;
    int status = -1;
    for (size_t i = 0; i < in->n_args; i++) {
        parent = c;
        if (parent && !parent->actions) {
            err_set(err, ERR_USAGE, "'prony %s' has no actions", parent->name);
            goto out;
        }
        c = command_find(parent, in->args[i], err);
        if (!c)
            goto out;
    }
    if (c)
        help_command(&b, parent, c);
    else
        help_overview(&b);
    if (buf_check(&b, err) < 0)
        goto out;
    fwrite(b.data, 1, b.len, stdout);
    status = EXIT_DONE;
out:
    buf_release(&b);
    return status;
}

static const struct example examples[] = {
    {"prony help", "all commands"},
    {"prony help completion", "the same as 'prony completion --help'"},
    {0},
};

const struct command command_help = {
    .name = "help",
    .summary = "show what a command does, with examples",
    .synopsis = "[COMMAND [ACTION]]",
    .examples = examples,
    .max_args = 2,
    .run = run,
};

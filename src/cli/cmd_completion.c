#include "cli/command.h"
#include "cli/help.h"

static int run(struct invocation *in, struct err *err)
{
    struct buf b = BUF_INIT(4 << 20);
    int status = -1;
    if (completion_script(&b, in->args[0], err) < 0 || buf_check(&b, err) < 0)
        goto out;
    fwrite(b.data, 1, b.len, stdout);
    status = EXIT_DONE;
out:
    buf_release(&b);
    return status;
}

static const struct example examples[] = {
    {"prony completion bash > ~/.local/share/bash-completion/completions/prony", "for bash, this user"},
    {"prony completion zsh > ~/.zfunc/_prony", "for zsh, with ~/.zfunc in fpath"},
    {"prony completion fish > ~/.config/fish/completions/prony.fish", "for fish, this user"},
    {0},
};

const struct command command_completion = {
    .name = "completion",
    .summary = "print a script that completes commands and switches in a shell",
    .synopsis = "bash|zsh|fish",
    .description = "An installed prony brings these scripts along; this prints them for a program that is not installed.",
    .examples = examples,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};

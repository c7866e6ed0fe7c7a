/* main.c - finds the command, has its switches parsed, runs it, prints its error and chooses the exit status. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alias.h"
#include "base/build.h"
#include "base/str.h"
#include "cli/command.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/pull.h"
#include "kernels/kernels.h"

static int print_error(const struct err *err)
{
    fflush(stdout);
    fprintf(stderr, "prony: %s\n", err->text);
    if (*err->hint)
        fprintf(stderr, "  hint: %s\n", err->hint);
    if (err->code == ERR_BUG)
        fprintf(stderr, "  this is a fault in prony itself\n");
    return err->code == ERR_USAGE ? EXIT_USAGE : EXIT_FAILED;
}

/* Data that did not reach standard output is a failure, unless its reader left on purpose (`prony ... | head`). */
static int finish(int status)
{
    errno = 0;
    bool failed = fflush(stdout) != 0;
    int cause = errno;
    failed |= ferror(stdout) != 0;
    if (!failed)
        return status;
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    if (cause == EPIPE || (poll(&out, 1, 0) > 0 && (out.revents & POLLERR)))
        return status;
    fprintf(stderr, "prony: standard output: %s\n", cause ? strerror(cause) : "a write failed");
    return status == EXIT_DONE ? EXIT_FAILED : status;
}

static void print_version(void)
{
    const struct kernel_set *chosen;
    struct err err = ERR_INIT;
    printf("prony %s\ncommit %s\ncompiler %s, %s\n", build_version(), build_commit(), build_compiler(), build_type());
    if (kernels_choose(&chosen, NULL, &err) < 0)
        printf("kernels none: %s\n", err.text);
    else
        printf("kernels %s, of", chosen->name);
    for (size_t i = 0; err.code == ERR_NONE && i < kernels_count(); i++)
        printf(" %s%s", kernels_at(i)->name, i + 1 < kernels_count() ? "," : "\n");
}

static int print_help(const struct command *parent, const struct command *c, FILE *to)
{
    struct err err = ERR_INIT;
    struct buf b = BUF_INIT(1 << 20);
    if (c)
        help_command(&b, parent, c);
    else
        help_overview(&b);
    int status = buf_check(&b, &err) < 0 ? print_error(&err) : EXIT_DONE;
    if (b.data)
        fwrite(b.data, 1, b.len, to);
    buf_release(&b);
    return status;
}

static bool plain_word(const char *s)
{
    return *s && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+,./:@%") == strlen(s);
}

/* The command line such that a shell reads it back: it is stored with the results as the command to repeat. */
static const char *quoted_line(int argc, char **argv, struct arena *arena, struct err *err)
{
    struct buf b = BUF_INIT(8 << 20);
    buf_str(&b, "prony");
    for (int i = 1; i < argc; i++) {
        buf_char(&b, ' ');
        if (plain_word(argv[i])) {
            buf_str(&b, argv[i]);
            continue;
        }
        buf_char(&b, '\'');
        for (const char *c = argv[i]; *c; c++) {
            if (*c == '\'')
                buf_str(&b, "'\\''");
            else
                buf_char(&b, *c);
        }
        buf_char(&b, '\'');
    }
    const char *line = buf_check(&b, err) < 0 ? NULL : arena_strndup(arena, b.data, b.len, err);
    buf_release(&b);
    return line;
}

static void apply_environment(void)
{
    for (size_t i = 0; i < alias_count; i++) {
        const struct alias *a = &alias_table[i];
        const char *set = a->kind == ALIAS_ENVIRONMENT ? getenv(a->name) : NULL;
        char name[64];
        if (!set || !*set || strcmp(set, "0") == 0)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(a->target, "="), a->target);
        setenv(name, strchr(a->target, '=') + 1, 0);
    }
}

static int run_command(int argc, char **argv, struct arena *arena, struct err *err)
{
    const struct command *parent = NULL, *c = command_find(NULL, argv[1], err);
    struct invocation in = {0};
    int first = 1;
    bool help = false;
    if (!c)
        return -1;
    if (c->actions) {
        parent = c;
        first = 2;
        if (argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0))
            return print_help(NULL, parent, stdout);
        if (argc < 3) {
            err_set(err, ERR_USAGE, "'prony %s' needs an action", parent->name);
            return err_hint(err, "'prony %s --help' lists them", parent->name);
        }
        c = command_find(parent, argv[2], err);
        if (!c)
            return -1;
    }
    in.line = quoted_line(argc, argv, arena, err);
    if (!in.line)
        return -1;
    if (options_parse(&in, &help, c, argc - first, argv + first, arena, err) < 0)
        return err_context(err, "%s%s%s", parent ? parent->name : "", parent ? " " : "", c->name);
    if (help)
        return print_help(parent, c, stdout);
    TRY(models_prepare(&in, err));
    return c->run(&in, err);
}

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct arena arena = ARENA_INIT(64u << 20);
    int status;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its largest size is an error with a name, not a death */
    apply_environment();
    if (argc < 2) {
        print_help(NULL, NULL, stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        status = print_help(NULL, NULL, stdout);
    } else if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        print_version();
        status = EXIT_DONE;
    } else if (argv[1][0] == '-') {
        err_set(&err, ERR_USAGE, "'%s' stands before the command", argv[1]);
        err_hint(&err, "switches come after it: prony COMMAND %s", argv[1]);
        status = print_error(&err);
    } else {
        status = run_command(argc, argv, &arena, &err);
        if (status < 0)
            status = print_error(&err);
    }
    arena_release(&arena);
    return finish(status);
}

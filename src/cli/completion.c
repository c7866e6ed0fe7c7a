/* completion.c - the tables as completion scripts. One path a command ("run", "model info"); for each path the words
 * that may stand there, and for each switch with choices or files what its value may be. */
#include <string.h>

#include "base/str.h"
#include "cli/help.h"
#include "cli/options.h"

/* The text in single quotes, for a shell ('\'' inside) or for fish (\' inside). */
static void quoted(struct buf *b, const char *text, bool fish)
{
    buf_char(b, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            buf_str(b, fish ? "\\'" : "'\\''");
        else if (fish && *text == '\\')
            buf_str(b, "\\\\");
        else
            buf_char(b, *text);
    }
    buf_char(b, '\'');
}

typedef void (*visit_fn)(struct buf *b, const struct command *parent, const struct command *c);

/* Calls for each command and action that has switches. */
static void visit(struct buf *b, visit_fn fn)
{
    for (size_t i = 0; i < command_count(); i++) {
        const struct command *c = command_at(i);
        if (c->hidden)
            continue;
        if (!c->actions)
            fn(b, NULL, c);
        for (size_t j = 0; c->actions && c->actions[j]; j++)
            fn(b, c, c->actions[j]);
    }
}

static void path_of(struct buf *b, const struct command *parent, const struct command *c)
{
    buf_printf(b, "%s%s%s", parent ? parent->name : "", parent ? " " : "", c->name);
}

/* Shell code for bash; zsh takes it too through its emulation of bash's completion. */
static void case_words(struct buf *b, const struct command *parent, const struct command *c)
{
    buf_str(b, "    '");
    path_of(b, parent, c);
    buf_str(b, "') words='");
    for (size_t i = 0; i < option_count(c); i++)
        buf_printf(b, "%s--%s", i ? " " : "", option_at(c, i)->name);
    buf_str(b, "' ;;\n");
}

static void case_values(struct buf *b, const struct command *parent, const struct command *c)
{
    for (size_t i = 0; i < option_count(c); i++) {
        const struct option_row *row = option_at(c, i);
        if (row->kind == OPT_FLAG)
            continue;
        buf_str(b, "    '");
        path_of(b, parent, c);
        buf_printf(b, " --%s') ", row->name);
        if (row->choices) {
            buf_str(b, "values='");
            for (const char *s = row->choices; *s; s++)
                buf_char(b, *s == ',' ? ' ' : *s);
            buf_str(b, "' ;;\n");
        } else {
            buf_str(b, row->files ? "values='<files>' ;;\n" : "values='<any>' ;;\n");
        }
    }
}

static void bash(struct buf *b)
{
    buf_str(b, "_prony()\n{\n    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
               "    local path=${COMP_WORDS[1]} words='' values=''\n    COMPREPLY=()\n"
               "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W '");
    for (size_t i = 0; i < command_count(); i++)
        if (!command_at(i)->hidden)
            buf_printf(b, "%s ", command_at(i)->name);
    buf_str(b, "--help --version' -- \"$word\"))\n        return\n    fi\n    case \"$path\" in\n");
    for (size_t i = 0; i < command_count(); i++) {
        const struct command *c = command_at(i);
        if (!c->actions)
            continue;
        buf_printf(b, "    %s)\n        if [ \"$COMP_CWORD\" -eq 2 ]; then\n            COMPREPLY=($(compgen -W '", c->name);
        for (size_t j = 0; c->actions[j]; j++)
            buf_printf(b, "%s ", c->actions[j]->name);
        buf_str(b, "--help' -- \"$word\"))\n            return\n        fi\n        path=\"$path ${COMP_WORDS[2]}\" ;;\n");
    }
    buf_str(b, "    esac\n    case \"$path $before\" in\n");
    visit(b, case_values);
    buf_str(b, "    esac\n    case \"$values\" in\n    '') ;;\n    '<any>') return ;;\n"
               "    '<files>') COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
               "    *) COMPREPLY=($(compgen -W \"$values\" -- \"$word\")); return ;;\n    esac\n"
               "    case \"$path\" in\n");
    visit(b, case_words);
    buf_str(b, "    esac\n    case \"$word\" in\n    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$word\")) ;;\n"
               "    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n    esac\n}\n"
               "complete -o filenames -F _prony prony\n");
}

static void zsh(struct buf *b)
{
    buf_str(b, "#compdef prony\n"
               "# zsh runs the functions of bash's completion after bashcompinit.\n"
               "autoload -U +X bashcompinit && bashcompinit\n");
    bash(b);
    buf_str(b, "_bash_complete -o filenames -F _prony\n");
}

static void fish_options(struct buf *b, const struct command *parent, const struct command *c)
{
    for (size_t i = 0; i < option_count(c); i++) {
        const struct option_row *row = option_at(c, i);
        buf_str(b, "complete -c prony -n '");
        if (parent)
            buf_printf(b, "__fish_seen_subcommand_from %s; and ", parent->name);
        buf_printf(b, "__fish_seen_subcommand_from %s' -l %s", c->name, row->name);
        if (row->letter)
            buf_printf(b, " -s %c", row->letter);
        if (row->kind != OPT_FLAG)
            buf_str(b, row->files ? " -r -F" : " -x");
        if (row->choices) {
            buf_str(b, " -a '");
            for (const char *s = row->choices; *s; s++)
                buf_char(b, *s == ',' ? ' ' : *s);
            buf_char(b, '\'');
        }
        buf_str(b, " -d ");
        quoted(b, row->help, true);
        buf_char(b, '\n');
    }
}

static void fish(struct buf *b)
{
    for (size_t i = 0; i < command_count(); i++) {
        const struct command *c = command_at(i);
        if (c->hidden)
            continue;
        buf_printf(b, "complete -c prony -n __fish_use_subcommand -f -a %s -d ", c->name);
        quoted(b, c->summary, true);
        buf_char(b, '\n');
        for (size_t j = 0; c->actions && c->actions[j]; j++) {
            buf_printf(b, "complete -c prony -n '__fish_seen_subcommand_from %s' -f -a %s -d ", c->name,
                       c->actions[j]->name);
            quoted(b, c->actions[j]->summary, true);
            buf_char(b, '\n');
        }
    }
    visit(b, fish_options);
}

int completion_script(struct buf *b, const char *shell, struct err *err)
{
    static const struct {
        const char *name;
        void (*write)(struct buf *b);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++)
        if (str_eq(shells[i].name, shell)) {
            shells[i].write(b);
            return 0;
        }
    return err_set(err, ERR_USAGE, "'%s': there is no completion for this shell, only for bash, zsh and fish", shell);
}

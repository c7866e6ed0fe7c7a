/* man_page.c - the tables as man pages, in the man(7) macros that every man program knows. */
#include <string.h>

#include "base/build.h"
#include "cli/help.h"
#include "cli/options.h"

/* Text such that roff shows it as it stands: a backslash and a hyphen are commands to it, and so is a line that begins
 * with a dot or an apostrophe. */
static void roff(struct buf *b, const char *text)
{
    bool start = true;
    for (; *text; text++) {
        if (start && (*text == '.' || *text == '\''))
            buf_str(b, "\\&");
        if (*text == '\\')
            buf_str(b, "\\e");
        else if (*text == '-')
            buf_str(b, "\\-");
        else
            buf_char(b, *text);
        start = *text == '\n';
    }
}

static void paragraphs(struct buf *b, const char *text)
{
    while (*text) {
        size_t line = strcspn(text, "\n");
        char copy[4096];
        if (line >= sizeof copy)
            line = sizeof copy - 1;
        memcpy(copy, text, line);
        copy[line] = '\0';
        if (line == 0) {
            buf_str(b, ".PP\n");
        } else if (*copy == ' ') {
            buf_str(b, ".nf\n");
            roff(b, copy);
            buf_str(b, "\n.fi\n");
        } else {
            roff(b, copy);
            buf_char(b, '\n');
        }
        text += line + (text[line] == '\n');
    }
}

static void options(struct buf *b, const struct command *c)
{
    buf_str(b, ".SH OPTIONS\n");
    for (size_t i = 0; i < option_count(c); i++) {
        const struct option_row *row = option_at(c, i);
        buf_str(b, ".TP\n.B ");
        if (row->letter)
            buf_printf(b, "\\-%c, ", row->letter);
        buf_str(b, "\\-\\-");
        roff(b, row->name);
        if (row->argument) {
            buf_str(b, " \\fI");
            roff(b, row->argument);
            buf_str(b, "\\fR");
        }
        buf_char(b, '\n');
        roff(b, row->help);
        if (row->choices) {
            struct buf names = BUF_INIT(1 << 12);
            spell_choices(&names, row->choices);
            buf_str(b, "; one of ");
            roff(b, names.data ? names.data : "");
            buf_release(&names);
        }
        if (row->initial) {
            buf_str(b, "; default ");
            roff(b, row->initial);
        }
        buf_char(b, '\n');
    }
}

void man_page(struct buf *b, const struct command *parent, const struct command *c)
{
    buf_str(b, ".TH \"PRONY");
    if (parent)
        buf_printf(b, "\\-%s", parent->name);
    if (c)
        buf_printf(b, "\\-%s", c->name);
    buf_printf(b, "\" 1 \"\" \"prony %s\"\n.SH NAME\nprony", build_version());
    if (parent)
        buf_printf(b, "\\-%s", parent->name);
    if (c)
        buf_printf(b, "\\-%s", c->name);
    buf_str(b, " \\- ");
    roff(b, c ? c->summary : "a dynamometer for LLM inference engines");
    buf_str(b, "\n.SH SYNOPSIS\n.B prony");
    if (!c) {
        buf_str(b, "\n.I COMMAND\n.RI [ switches ]\n.SH COMMANDS\n");
        for (size_t i = 0; i < command_count(); i++)
            if (!command_at(i)->hidden) {
                buf_printf(b, ".TP\n.BR prony\\-%s (1)\n", command_at(i)->name);
                roff(b, command_at(i)->summary);
                buf_char(b, '\n');
            }
    } else {
        if (parent)
            buf_printf(b, " %s", parent->name);
        buf_printf(b, " %s\n", c->name);
        if (*c->synopsis) {
            buf_str(b, ".I ");
            roff(b, c->synopsis);
            buf_char(b, '\n');
        }
        if (!c->actions)
            buf_str(b, ".RI [ switches ]\n");
        buf_str(b, ".SH DESCRIPTION\n");
        paragraphs(b, c->description ? c->description : c->summary);
        if (c->actions) {
            buf_str(b, ".SH ACTIONS\n");
            for (size_t i = 0; c->actions[i]; i++) {
                buf_printf(b, ".TP\n.BR prony\\-%s\\-%s (1)\n", c->name, c->actions[i]->name);
                roff(b, c->actions[i]->summary);
                buf_char(b, '\n');
            }
        } else {
            options(b, c);
            buf_str(b, ".SH EXAMPLES\n");
            for (const struct example *e = c->examples; e && e->line; e++) {
                buf_str(b, ".TP\n.B ");
                roff(b, e->line);
                buf_char(b, '\n');
                roff(b, e->what);
                buf_char(b, '\n');
            }
        }
    }
    buf_str(b, ".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage, 3 a \\-\\-fail\\-if was crossed.\n");
    if (c)
        buf_str(b, ".SH SEE ALSO\n.BR prony (1)\n");
}

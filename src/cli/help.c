#include "cli/help.h"

#include <stdio.h>
#include <string.h>

#include "base/alias.h"
#include "cli/options.h"

#define WIDTH 100
#define COLUMN 28 /* where the help of a switch begins */

void wrap_text(struct buf *b, const char *text, int indent, int width)
{
    while (*text) {
        size_t line = strcspn(text, "\n");
        if (line == 0 || *text == ' ') { /* an empty or a literal line */
            if (line)
                buf_printf(b, "%*s%.*s", indent, "", (int)line, text);
            buf_char(b, '\n');
            text += line + (text[line] == '\n');
            continue;
        }
        int column = 0;
        for (size_t at = 0; at < line;) {
            size_t word = strcspn(text + at, " \n");
            if (column && indent + column + 1 + (int)word > width) {
                buf_char(b, '\n');
                column = 0;
            }
            buf_printf(b, "%*s%.*s", column ? 1 : indent, "", (int)word, text + at);
            column += (column ? 1 : 0) + (int)word;
            at += word;
            at += strspn(text + at, " ");
        }
        buf_char(b, '\n');
        text += line + (text[line] == '\n');
    }
}

void spell_choices(struct buf *b, const char *choices)
{
    for (const char *p = choices; *p; p++)
        buf_str(b, *p == ',' ? ", " : (char[]){*p, '\0'});
}

static void show_option(struct buf *b, const struct option_row *row)
{
    char left[96];
    int len = snprintf(left, sizeof left, "  %c%c%s --%s%s%s", row->letter ? '-' : ' ', row->letter ? row->letter : ' ',
                       row->letter ? "," : " ", row->name, row->argument ? " " : "", row->argument ? row->argument : "");
    struct buf help = BUF_INIT(1 << 16), lines = BUF_INIT(1 << 16);
    buf_str(&help, row->help);
    if (row->choices && strcmp(row->choices, row->initial ? row->initial : "") != 0) {
        buf_str(&help, " (");
        spell_choices(&help, row->choices);
        buf_char(&help, ')');
    }
    if (row->initial)
        buf_printf(&help, " [%s]", row->initial);
    if (help.data)
        wrap_text(&lines, help.data, COLUMN, WIDTH);
    if (lines.data && len < COLUMN) /* its first line begins beside the switch */
        buf_printf(b, "%-*s%s", COLUMN, left, lines.data + COLUMN);
    else if (lines.data)
        buf_printf(b, "%s\n%s", left, lines.data);
    buf_release(&help);
    buf_release(&lines);
}

static void show_aliases(struct buf *b, const struct command *c)
{
    bool any = false;
    for (size_t i = 0; i < alias_count; i++) {
        const struct alias *a = &alias_table[i];
        bool as_switch = a->kind == ALIAS_SWITCH && option_find(c, a->target);
        bool as_argument = a->kind == ALIAS_ARGUMENT && c->max_args > 0 && strstr(c->synopsis, "MODEL");
        if (!(as_switch || as_argument) || option_find(c, a->name))
            continue;
        if (!any)
            buf_str(b, "\nAlso known as:\n");
        any = true;
        if (as_switch)
            buf_printf(b, "      --%-*s as --%s\n", COLUMN - 9, a->name, a->target);
        else
            buf_printf(b, "      --%-*s as the argument MODEL%s\n", COLUMN - 9, a->name,
                       strcmp(a->target, "%s") ? ", of the llama3 family" : "");
    }
}

void help_command(struct buf *b, const struct command *parent, const struct command *c)
{
    const char *above = parent ? parent->name : "", *space = parent ? " " : "";
    buf_printf(b, "prony %s%s%s%s%s%s\n\n", above, space, c->name, *c->synopsis ? " " : "", c->synopsis,
               c->actions ? "" : " [switches]");
    wrap_text(b, c->summary, 2, WIDTH);
    if (c->description) {
        buf_char(b, '\n');
        wrap_text(b, c->description, 2, WIDTH);
    }
    if (c->actions) {
        buf_str(b, "\nActions:\n");
        for (size_t i = 0; c->actions[i]; i++)
            if (!c->actions[i]->hidden)
                buf_printf(b, "  %-14s %s\n", c->actions[i]->name, c->actions[i]->summary);
        buf_printf(b, "\n'prony %s ACTION --help' shows an action with examples.\n", c->name);
        return;
    }
    buf_str(b, "\nExamples:\n");
    for (const struct example *e = c->examples; e && e->line; e++)
        buf_printf(b, "  %s\n      %s\n", e->line, e->what);
    size_t n = option_count(c);
    if (!option_is_global(c, 0))
        buf_str(b, "\nSwitches:\n");
    for (size_t i = 0; i < n; i++) {
        if (option_is_global(c, i) && (i == 0 || !option_is_global(c, i - 1)))
            buf_str(b, "\nSwitches of every command that they mean something to:\n");
        show_option(b, option_at(c, i));
    }
    show_aliases(b, c);
    buf_str(b, "\nExit status: 0 done, 1 failed, 2 wrong usage, 3 a --fail-if was crossed.\n");
}

void help_overview(struct buf *b)
{
    buf_str(b, "prony: a dynamometer for LLM inference engines\n\nprony COMMAND [switches]\n\nCommands:\n");
    for (size_t i = 0; i < command_count(); i++)
        if (!command_at(i)->hidden)
            buf_printf(b, "  %-12s %s\n", command_at(i)->name, command_at(i)->summary);
    buf_str(b, "\n'prony COMMAND --help' shows a command with examples; 'prony --version' what this build is.\n");
}

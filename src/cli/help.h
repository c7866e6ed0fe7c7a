/* help.h - what the tables say of themselves, for people: overview, help of a command, man page, completion. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "base/buf.h"
#include "cli/command.h"

void help_overview(struct buf *b);
/* `parent` is the command that c is an action of, or NULL. */
void help_command(struct buf *b, const struct command *parent, const struct command *c);

/* A page in the man(7) language; c NULL: the page of prony itself. */
void man_page(struct buf *b, const struct command *parent, const struct command *c);

/* A completion script; shell is "bash", "zsh" or "fish". */
int completion_script(struct buf *b, const char *shell, struct err *err);

/* The text broken into lines of at most `width` columns, each after `indent` spaces. Paragraphs stay apart; a line that
 * begins with a space is left as it is. */
void wrap_text(struct buf *b, const char *text, int indent, int width);
/* "a,b,c" as "a, b, c". */
void spell_choices(struct buf *b, const char *choices);

#endif

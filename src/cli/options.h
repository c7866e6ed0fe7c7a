/* options.h - from a command's table to values: parsing of a command line. Private to cli/. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "base/arena.h"
#include "cli/command.h"

/* The switches a command takes: its own, then the global ones. */
size_t option_count(const struct command *c);
const struct option_row *option_at(const struct command *c, size_t i);
bool option_is_global(const struct command *c, size_t i);
/* The row of that name, or NULL. */
const struct option_row *option_find(const struct command *c, const char *name);

/* argv[0] is the command's (or action's) name. On success `in` is filled with what lives in `arena` (and in argv);
 * `*help` says that --help was among the switches, and then nothing was checked behind it. */
int options_parse(struct invocation *in, bool *help, const struct command *c, int argc, char **argv,
                  struct arena *arena, struct err *err);

#endif

#include "cli/command.h"

#define ENGINES_ACTION(name) extern const struct command engines_##name;
#include "cli/engines_actions.h"
#undef ENGINES_ACTION

static const struct command *const actions[] = {
#define ENGINES_ACTION(name) &engines_##name,
#include "cli/engines_actions.h"
#undef ENGINES_ACTION
    NULL,
};

const struct command command_engines = {
    .name = "engines",
    .summary = "what engines there are, and what each can do",
    .synopsis = "ACTION",
    .actions = actions,
};

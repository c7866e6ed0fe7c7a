#include "cli/command.h"

#define MODEL_ACTION(name) extern const struct command model_##name;
#include "cli/model_actions.h"
#undef MODEL_ACTION

static const struct command *const actions[] = {
#define MODEL_ACTION(name) &model_##name,
#include "cli/model_actions.h"
#undef MODEL_ACTION
    NULL,
};

const struct command command_model = {
    .name = "model",
    .summary = "look into a model, and turn it into another",
    .synopsis = "ACTION",
    .actions = actions,
};

/* own_model.h - the model that generate and chat run themselves: which one it is, and what is said of it on request. */
#ifndef CLI_OWN_MODEL_H
#define CLI_OWN_MODEL_H

#include "cli/command.h"
#include "models/session.h"

/* The first argument. Without one: the default of configs/defaults.yaml where it is at hand, else the teacher that comes
 * along, and a note on standard error says so. Gives *out. */
int own_model_open(struct model **out, const struct invocation *in, struct err *err);

/* For --verbose and --debug, on standard error: what runs, and how large it is. */
void own_model_describe(const struct invocation *in, const struct model *m, const struct session *s);

#endif

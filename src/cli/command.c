#include "cli/command.h"

#include <string.h>

#include "base/str.h"

#define COMMAND(name) extern const struct command command_##name;
#include "cli/list.h"
#undef COMMAND

static const struct command *const all[] = {
#define COMMAND(name) &command_##name,
#include "cli/list.h"
#undef COMMAND
};

static bool exists(const struct command *c)
{
    return !c->actions || c->actions[0];
}

size_t command_count(void)
{
    size_t n = 0;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        n += exists(all[i]);
    return n;
}

const struct command *command_at(size_t index)
{
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (exists(all[i]) && index-- == 0)
            return all[i];
    return NULL;
}

static size_t children(const struct command *parent)
{
    size_t n = 0;
    if (!parent)
        return command_count();
    while (parent->actions[n])
        n++;
    return n;
}

static const struct command *child(const struct command *parent, size_t i)
{
    return parent ? parent->actions[i] : command_at(i);
}

const struct command *command_find(const struct command *parent, const char *name, struct err *err)
{
    const char *names[256] = {NULL};
    size_t n = children(parent), n_names = 0;
    for (size_t i = 0; i < n; i++) {
        const struct command *c = child(parent, i);
        if (strcmp(c->name, name) == 0)
            return c;
        if (!c->hidden && n_names < sizeof names / sizeof names[0])
            names[n_names++] = c->name;
    }
    if (!parent && strcmp(name, "version") == 0) {
        err_set(err, ERR_USAGE, "'version' is not a command");
        err_hint(err, "did you mean 'prony --version'?");
        return NULL;
    }
    const char *nearest = str_nearest_of(name, names, n_names);
    if (parent)
        err_set(err, ERR_USAGE, "'%s' is not an action of 'prony %s'", name, parent->name);
    else
        err_set(err, ERR_USAGE, "'%s' is not a command", name);
    if (nearest)
        err_hint(err, "did you mean 'prony %s%s%s'?", parent ? parent->name : "", parent ? " " : "", nearest);
    else
        err_hint(err, "'prony help%s%s' lists them", parent ? " " : "", parent ? parent->name : "");
    return NULL;
}

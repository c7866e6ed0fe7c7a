/* alias.h - the words of other tools that prony takes too, in one table (alias.c).
 *
 * A user of one of the tools that prony replaces finds the switch, engine name or type he knows. An alias never has a
 * meaning of its own: it stands for `target`, and help shows it as such. Where prony has no such thing, the row says
 * what to do instead, and that is the text of the error.
 */
#ifndef BASE_ALIAS_H
#define BASE_ALIAS_H

#include <stddef.h>

enum alias_kind {
    ALIAS_SWITCH,      /* target: the switch it stands for, without dashes */
    ALIAS_ARGUMENT,    /* a switch whose value is the argument MODEL; target: a format of that value, "%s" */
    ALIAS_IGNORED,     /* a switch without meaning here: accepted, `why` is said once */
    ALIAS_REFUSED,     /* a switch that cannot be had: `why` is the hint of the error */
    ALIAS_ENGINE,      /* an engine's name; target: ours */
    ALIAS_TYPE,        /* a type of weights; target: ours */
    ALIAS_CACHE_TYPE,  /* a type of the KV cache; target: ours */
    ALIAS_ENVIRONMENT, /* a variable, set to something other than "" or "0"; target: NAME=VALUE to set instead */
};

struct alias {
    enum alias_kind kind;
    const char *name;
    const char *target; /* NULL where the kind has none */
    const char *why;    /* for IGNORED and REFUSED, else NULL */
};

extern const struct alias alias_table[];
extern const size_t alias_count;

/* The row of that kind and name (case counts only in switches and variables), or NULL. */
const struct alias *alias_find(enum alias_kind kind, const char *name);

/* What the name stands for, or the name itself when it is no alias. Borrowed from the table or the caller. */
const char *alias_resolve(enum alias_kind kind, const char *name);

#endif

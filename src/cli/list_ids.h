/* list_ids.h - token ids from a switch. */
#ifndef CLI_LIST_IDS_H
#define CLI_LIST_IDS_H

#include "cli/command.h"

struct id_list {
    int32_t *data; /* to free() */
    size_t n;
};

/* All items of a list option as ids. At least one. */
int id_list_read(struct id_list *out, const struct invocation *in, const char *option, struct err *err);

#endif

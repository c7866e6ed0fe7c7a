#include "cli/list_ids.h"

#include "base/mem.h"

int id_list_read(struct id_list *out, const struct invocation *in, const char *option, struct err *err)
{
    size_t n = opt_count(in, option);
    if (n == 0)
        return err_set(err, ERR_USAGE, "--%s is empty", option);
    out->data = mem_alloc(n, sizeof *out->data, err);
    if (!out->data)
        return -1;
    for (out->n = 0; out->n < n; out->n++) {
        int64_t id;
        TRY(opt_item_int(&id, in, option, out->n, 0, INT32_MAX, err));
        out->data[out->n] = (int32_t)id;
    }
    return 0;
}

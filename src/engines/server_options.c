/* The options that every server takes; docs/ENGINES.md lists them. */
#include "engines/server_options.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

static const char *const keys[] = {"model", "key", "unix_socket", "ready_s", "first_byte_s", "idle_s", "total_s", "chat"};
enum { N_KEYS = sizeof keys / sizeof keys[0] };

static int check_keys(const json_t *options, struct err *err)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)options, key, value) {
        bool known = false;
        for (size_t i = 0; i < N_KEYS; i++)
            known |= strcmp(keys[i], key) == 0;
        if (known)
            continue;
        const char *near = str_nearest_of(key, keys, N_KEYS);
        err_set(err, ERR_USAGE, "options: unknown key '%s'", key);
        return near ? err_hint(err, "did you mean '%s'?", near) : err_hint(err, "docs/ENGINES.md lists the options of servers");
    }
    return 0;
}

int server_options_read(struct server_options *out, const json_t *options, struct err *err)
{
    static const char what[] = "options";
    *out = (struct server_options){.ready_s = 60, .first_byte_s = 600, .idle_s = 120, .total_s = 3600};
    struct err wrong = ERR_INIT;
    if (check_keys(options, err) < 0)
        return -1;
    if (json_opt_text(&out->model, options, "model", what, &wrong) < 0 ||
        json_opt_text(&out->key, options, "key", what, &wrong) < 0 ||
        json_opt_text(&out->unix_socket, options, "unix_socket", what, &wrong) < 0 ||
        json_opt_int(&out->ready_s, options, "ready_s", 0, 86400, what, &wrong) < 0 ||
        json_opt_int(&out->first_byte_s, options, "first_byte_s", 1, 86400, what, &wrong) < 0 ||
        json_opt_int(&out->idle_s, options, "idle_s", 1, 86400, what, &wrong) < 0 ||
        json_opt_int(&out->total_s, options, "total_s", 1, 604800, what, &wrong) < 0 ||
        json_opt_bool(&out->chat, options, "chat", what, &wrong) < 0)
        return err_set(err, ERR_USAGE, "%s", wrong.text);
    return 0;
}

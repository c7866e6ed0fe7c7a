/* Words that servers share: errors in all their shapes, numbers that may be missing. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "engines/server.h"

int64_t json_int_or(const json_t *o, const char *key, int64_t initial)
{
    const json_t *v = json_object_get(o, key);
    return json_is_integer(v) ? json_integer_value(v) : json_is_real(v) ? (int64_t)json_real_value(v) : initial;
}

double json_number_or(const json_t *o, const char *key, double initial)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : initial;
}

const char *json_text_or(const json_t *o, const char *key, const char *initial)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : initial;
}

/* {"error":{"message"}} (OpenAI's), {"error":"text"} (Ollama, mlx_lm), {"object":"error","message"} (TensorRT-LLM),
 * {"detail"} (FastAPI). */
const char *server_error_text(const json_t *v)
{
    const json_t *e = json_object_get(v, "error");
    if (json_is_string(e))
        return json_string_value(e);
    if (json_is_object(e))
        return json_text_or(e, "message", "an error without a message");
    if (strcmp(json_text_or(v, "object", ""), "error") == 0)
        return json_text_or(v, "message", "an error without a message");
    return json_string_value(json_object_get(v, "detail"));
}

/* The message of a body that may be JSON, JSON inside a JSON text (MLC), or anything; one line of it. */
static void find_message(char out[300], const char *body, size_t len)
{
    json_t *v = len ? json_loadb(body, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
    if (json_is_string(v)) {
        json_t *inner = json_loads(json_string_value(v), 0, NULL);
        if (inner) {
            json_decref(v);
            v = inner;
        }
    }
    const char *text = json_is_string(v) ? json_string_value(v) : server_error_text(v);
    snprintf(out, 300, "%.*s", text ? 299 : (int)(len < 200 ? len : 200), text ? text : body ? body : "");
    for (char *c = out; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = ' ';
    json_decref(v);
}

int server_error(int status, const char *location, const char *body, size_t len, const char *what, struct err *err)
{
    char message[300];
    find_message(message, body, len);
    const char *sep = *message ? ": " : "";
    if (status >= 300 && status < 400) {
        err_set(err, ERR_ENGINE, "'%s' sends elsewhere (%d), to '%s'", what, status, location);
        return err_hint(err, "give that address as the engine's URL");
    }
    if (status == 401 || status == 403) {
        err_set(err, ERR_ENGINE, "'%s' refuses the key (%d)%s%s", what, status, sep, message);
        return err_hint(err, "option 'key: env:NAME' or 'key: file:PATH' says where a valid one is");
    }
    if (status == 404) {
        err_set(err, ERR_ENGINE, "'%s' is not there (404)%s%s", what, sep, message);
        return err_hint(err, "is this the server that the engine's name says, and the model one that it has loaded?");
    }
    if (status == 429 || status == 503) {
        err_set(err, ERR_ENGINE, "'%s' is busy or still loading (%d)%s%s", what, status, sep, message);
        return err_hint(err, "wait until it is ready; 'prony engines health' tells");
    }
    if (status >= 200 && status < 300)
        return err_set(err, ERR_ENGINE, "'%s' answers with an error in a reply of status %d: %s", what, status, message);
    err_set(err, ERR_ENGINE, "'%s' answers %d%s%s", what, status, sep, message);
    return strstr(message, "context") ? err_hint(err, "start the server with a larger context, or ask for fewer tokens") : -1;
}

#include "base/log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_out.h"
#include "base/str.h"

enum { LINE_MAX_BYTES = 1 << 20 };

static const char *const level_names[] = {"error", "warn", "info", "debug"};

int log_start(struct log *log, FILE *out, enum log_level level, enum log_form form, struct err *err)
{
    if (fileno(out) == 1)
        return err_set(err, ERR_BUG, "a log on standard output, which belongs to results");
    *log = (struct log){.out = out, .level = level, .form = form, .real_ms = clock_real_ms};
    return 0;
}

int log_level_from_name(enum log_level *level, const char *name, struct err *err)
{
    size_t n = sizeof level_names / sizeof *level_names;
    for (size_t i = 0; i < n; i++)
        if (strcmp(level_names[i], name) == 0) {
            *level = (enum log_level)i;
            return 0;
        }
    const char *near = str_nearest_of(name, level_names, n);
    err_set(err, ERR_USAGE, "'%.100s' is no level of a log: error, warn, info, debug", name);
    return near ? err_hint(err, "did you mean '%s'?", near) : -1;
}

static void add_value(struct json_out *j, const struct log_field *f)
{
    switch (f->kind) {
    case LOG_KIND_TEXT:
        json_out_text(j, f->text);
        return;
    case LOG_KIND_INT:
        json_out_int(j, f->integer);
        return;
    case LOG_KIND_NUMBER:
        json_out_number(j, f->number);
        return;
    case LOG_KIND_BOOL:
        json_out_bool(j, f->truth);
        return;
    case LOG_KIND_END:
        break;
    }
    json_out_null(j);
}

static void add_json(struct buf *line, const char *time, const char *level, const char *message,
                     const struct log_field *fields, size_t n)
{
    struct json_out j = JSON_OUT_INIT(line);
    json_out_open(&j, '{');
    json_out_key(&j, "time");
    json_out_text(&j, time);
    json_out_key(&j, "level");
    json_out_text(&j, level);
    json_out_key(&j, "message");
    json_out_text(&j, message);
    for (size_t i = 1; i < n; i++) {
        json_out_key(&j, fields[i].key);
        add_value(&j, &fields[i]);
    }
    json_out_close(&j);
}

/* May the text stand without quotes? Not if it is empty, or if a reader would take it for more than one field. */
static bool is_plain(const char *s)
{
    for (const char *p = s; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == '"' || *p == '=' || *p == '\\' || *p == 127)
            return false;
    return *s && utf8_valid(s, strlen(s));
}

/* The message is meant to be read: it keeps its blanks, and loses what would break the line or move the cursor. */
static void add_message(struct buf *line, const char *s)
{
    size_t len = strlen(s);
    for (size_t i = 0; i < len;) {
        uint32_t cp = 0;
        size_t bytes = utf8_decode(s + i, len - i, &cp);
        if (bytes == 0 || cp < 32 || (cp >= 127 && cp < 160))
            buf_char(line, '?');
        else
            buf_add(line, s + i, bytes);
        i += bytes ? bytes : 1;
    }
}

static void add_text(struct buf *line, const char *time, const char *level, const char *message,
                     const struct log_field *fields, size_t n)
{
    buf_printf(line, "%s %-5s ", time, level);
    add_message(line, message);
    for (size_t i = 1; i < n; i++) {
        struct json_out j = JSON_OUT_INIT(line);
        buf_printf(line, " %s=", fields[i].key);
        if (fields[i].kind == LOG_KIND_TEXT && fields[i].text && is_plain(fields[i].text))
            buf_str(line, fields[i].text);
        else
            add_value(&j, &fields[i]);
    }
}

void log_write(const struct log *log, enum log_level level, const char *message, const struct log_field *fields,
               size_t n)
{
    char time[32];
    struct buf line = BUF_INIT(LINE_MAX_BYTES);
    if (!log_wants(log, level))
        return;
    clock_iso(log->real_ms(), time);
    if (log->form == LOG_FORM_JSON)
        add_json(&line, time, level_names[level], message, fields, n);
    else
        add_text(&line, time, level_names[level], message, fields, n);
    buf_char(&line, '\n');
    if (log->progress)
        progress_clear(log->progress);
    if (buf_check(&line, NULL) == 0)
        fwrite(line.data, 1, line.len, log->out);
    else if (log->form == LOG_FORM_JSON)
        fprintf(log->out, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":\"an event was too large for the memory left\"}\n",
                time, level_names[level]);
    else
        fprintf(log->out, "%s %-5s an event was too large for the memory left\n", time, level_names[level]);
    fflush(log->out);
    buf_release(&line);
}

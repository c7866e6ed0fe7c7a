#include "experiments/run_log.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/uuid.h"
#include "machine/machine.h"
#include "store/fingerprint.h"
#include "store/rawlog.h"

enum { RUN_JSON_MAX = 64 << 20, PATH_SIZE = 4096 };

struct open_log {
    char *path;
    struct rawlog *log;
};

struct run_log {
    const struct run_request *q;
    struct run_lock *lock;
    json_t *run;                 /* run.json */
    json_t *stored;              /* "KEY/LAUNCH": [sample, ...] */
    json_t *ended;               /* "KEY/LAUNCH": status */
    char (*keys)[CELL_KEY_TEXT]; /* of each cell of the plan */
    int64_t *first;              /* the number of its first launch: cells may be asked for twice */
    struct open_log *logs;
    size_t n_logs, cap_logs;
    struct rawlog *now;          /* of the launch that is running */
    const char *checked_against; /* borrowed from `ready` */
    json_t *ready;
    json_t *before;              /* the machine before anything ran */
    struct utsname machine;
    char user[64];
};

/* ---- the run's own file ----------------------------------------------------------------------------------------- */

static const char *text_at(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static uint64_t hash(uint64_t h, const char *s)
{
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211u;
    return (h ^ 0xff) * 1099511628211u;
}

/* Two runs with the same plan have the same cells and launches in the same order with the same seeds. */
static void plan_hash(const struct plan *p, char text[20])
{
    char number[64];
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < p->n_launches; i++) {
        h = hash(h, p->cells[p->launches[i].cell].key);
        snprintf(number, sizeof number, "%zu %" PRIu64, p->launches[i].repeat, p->launches[i].seed);
        h = hash(h, number);
    }
    for (size_t i = 0; i < p->n_cells; i++)
        h = hash(h, p->cells[i].key);
    snprintf(text, 20, "%016" PRIx64, h);
}

static int write_run(struct run_log *l, struct err *err)
{
    struct buf text = BUF_INIT(RUN_JSON_MAX);
    json_t *folder;
    size_t i;
    int rc = json_write_pretty(&text, l->run, err);
    buf_char(&text, '\n');
    json_array_foreach(json_object_get(l->run, "folders"), i, folder) {
        char *path = rc == 0 ? path_join(json_string_value(folder), "run.json", err) : NULL;
        rc = path && buf_check(&text, err) == 0 ? file_write(path, text.data, text.len, err) : -1;
        free(path);
    }
    buf_release(&text);
    return rc;
}

static int set_text(json_t *object, const char *key, const char *text, struct err *err)
{
    return json_object_set_new(object, key, json_string(text)) < 0 ? err_set(err, ERR_MEMORY, "out of memory") : 0;
}

/* A folder of that name and time that nobody has: of two runs in one second the later takes the next second. */
static int make_folder(char path[PATH_SIZE], const char *parent, const char *target, struct err *err)
{
    char name[128], stamp[32];
    size_t n = 0;
    for (const char *c = target; *c && n < sizeof name - 1; c++)
        name[n++] = strchr("/\\ \t\n:*?\"<>|", *c) ? '-' : *c;
    name[n] = '\0';
    if (n == 0 || name[0] == '.')
        name[0] = '-';
    for (time_t at = time(NULL);; at++) {
        struct tm t;
        gmtime_r(&at, &t);
        strftime(stamp, sizeof stamp, "%Y%m%d_%H%M%S", &t);
        if (snprintf(path, PATH_SIZE, "%s/artifacts/%s_%s", parent, name, stamp) >= PATH_SIZE)
            return err_set(err, ERR_INPUT, "'%.200s...': the path is too long", path);
        if (mkdir(path, 0777) == 0)
            return 0;
        if (errno != EEXIST)
            return err_set_errno(err, errno, "'%s'", path);
    }
}

static int new_run(struct run_log *l, struct err *err)
{
    const struct run_request *q = l->q;
    char uuid[UUID_TEXT], path[PATH_SIZE], plan[20], when[32];
    json_t *folders = json_array();
    const char *last = NULL;
    TRY(uuid_make(uuid, err));
    plan_hash(q->plan, plan);
    l->run = json_pack("{ss ss ss sI ss ss ss ss so s[]}", "run", uuid, "manifest_sha256", manifest_sha256(q->manifest),
                       "plan", plan, "seed", (json_int_t)(q->seed & INT64_MAX), "started",
                       clock_iso(clock_real_ms(), when), "command", q->command ? q->command : "", "status", "running",
                       "manifest", manifest_text(q->manifest), "folders", folders, "commands_done");
    if (!l->run)
        return err_set(err, ERR_INPUT, "the manifest is not UTF-8");
    snprintf(path, sizeof path, "%s/artifacts", q->parent);
    TRY(file_mkdirs(path, err));
    for (size_t i = 0; i < q->plan->n_cells; i++) {
        if (last && strcmp(last, q->plan->cells[i].target) == 0)
            continue;
        last = q->plan->cells[i].target;
        TRY(make_folder(path, q->parent, last, err));
        json_array_append_new(folders, json_string(path));
    }
    return write_run(l, err);
}

/* ---- taking up -------------------------------------------------------------------------------------------------- */

/* The newest run.json below artifacts/ that is not done; NULL without err when there is none. */
static json_t *newest_run(const char *parent, struct err *err)
{
    char path[PATH_SIZE], file[PATH_SIZE + 300];
    json_t *best = NULL;
    snprintf(path, sizeof path, "%s/artifacts", parent);
    DIR *dir = opendir(path);
    for (struct dirent *d; dir && (d = readdir(dir));) {
        struct err unreadable = ERR_INIT;
        snprintf(file, sizeof file, "%s/%s/run.json", path, d->d_name);
        if (d->d_name[0] == '.' || !file_exists(file))
            continue;
        json_t *run = json_read(file, RUN_JSON_MAX, &unreadable);
        if (!run) {
            if (!best)
                err_set(err, unreadable.code, "%s", unreadable.text);
            continue;
        }
        const char *started = text_at(run, "started"), *so_far = text_at(best, "started");
        if (started && !str_eq(text_at(run, "status"), "done") && (!so_far || strcmp(started, so_far) > 0)) {
            json_decref(best);
            best = json_incref(run);
        }
        json_decref(run);
    }
    if (dir)
        closedir(dir);
    if (best)
        err_clear(err);
    return best;
}

static int note(json_t *map, const char *key, int64_t launch, json_t *value, bool list)
{
    char name[CELL_KEY_TEXT + 24];
    snprintf(name, sizeof name, "%s/%" PRId64, key, launch);
    if (!list)
        return json_object_set_new(map, name, value);
    json_t *all = json_object_get(map, name);
    if (!all) {
        all = json_array();
        if (json_object_set_new(map, name, all) < 0)
            return -1;
    }
    return json_array_append_new(all, value);
}

struct reading {
    struct run_log *l;
    struct record_open open;
    json_t *open_line;
    bool closed;
    const char *path;
};

static int take_record(void *arg, enum record_kind kind, const json_t *line, uint64_t offset, struct err *err)
{
    struct reading *r = arg;
    struct cell_record cell;
    (void)offset;
    int rc = 0;
    if (kind == RECORD_OPEN && !r->open_line) {
        r->open_line = json_incref((json_t *)line);
        return record_open_read(&r->open, r->open_line, err);
    }
    if (kind == RECORD_CLOSE)
        r->closed = true;
    if (kind == RECORD_REQUEST) {
        struct arena arena = ARENA_INIT(RECORD_LINE_MAX * 4u);
        struct sample_request s;
        rc = record_request_read(&s, line, &arena, err);
        if (rc == 0 && str_eq(s.phase, "timed"))
            rc = note(r->l->stored, s.cell, s.launch, json_integer(s.index), true);
        arena_release(&arena);
        return rc;
    }
    if (kind == RECORD_CELL) {
        TRY(record_cell_read(&cell, line, err));
        rc = note(r->l->ended, cell.key, cell.launch, json_string(cell.status), false);
    }
    return rc < 0 ? err_set(err, ERR_MEMORY, "out of memory for what is stored") : 0;
}

static void damaged(void *arg, uint64_t offset, size_t len, bool torn, const char *why)
{
    const struct reading *r = arg;
    log_warn(r->l->q->log, torn ? "a torn last line is skipped" : "a damaged line is skipped", LOG_TEXT("file", r->path),
             LOG_INT("offset", (int64_t)offset), LOG_INT("bytes", (int64_t)len), LOG_TEXT("reason", why ? why : "torn"));
}

static int log_for(struct run_log *l, const struct record_open *open, struct rawlog **out, struct err *err);

/* One raw log of this run: what it has is noted, and it is opened again unless it was closed. */
static int take_log(struct run_log *l, const char *path, struct err *err)
{
    struct reading r = {.l = l, .path = path};
    struct rawlog *log;
    int rc = rawlog_read(path, 0, NULL, &(struct rawlog_events){.record = take_record, .damaged = damaged, .arg = &r}, err);
    if (rc == 0 && r.open_line && !r.closed)
        rc = log_for(l, &r.open, &log, err);
    json_decref(r.open_line);
    return rc;
}

static int take_stored(struct run_log *l, struct err *err)
{
    char raw[PATH_SIZE], folder[PATH_SIZE + 300], file[PATH_SIZE + 600], tail[64] = "_uuid";
    int rc = 0;
    size_t n = strlen(tail);
    for (const char *c = run_log_uuid(l); *c && n < sizeof tail - 5; c++)
        if (*c != '-')
            tail[n++] = *c;
    snprintf(tail + n, sizeof tail - n, ".txt");
    snprintf(raw, sizeof raw, "%s/raw", l->q->parent);
    DIR *outer = opendir(raw);
    for (struct dirent *d; outer && rc == 0 && (d = readdir(outer));) {
        snprintf(folder, sizeof folder, "%s/%s", raw, d->d_name);
        DIR *inner = d->d_name[0] == '.' ? NULL : opendir(folder);
        for (struct dirent *f; inner && rc == 0 && (f = readdir(inner));) {
            snprintf(file, sizeof file, "%s/%s", folder, f->d_name);
            if (str_ends(f->d_name, tail))
                rc = take_log(l, file, err);
        }
        if (inner)
            closedir(inner);
    }
    if (outer)
        closedir(outer);
    return rc;
}

static int take_up(struct run_log *l, struct err *err)
{
    char plan[20];
    l->run = newest_run(l->q->parent, err);
    if (!l->run) {
        err_set(err, ERR_USAGE, "--resume: '%s' has no run that was broken off", l->q->parent);
        return err_hint(err, "without --resume a new run is started");
    }
    if (!str_eq(text_at(l->run, "manifest_sha256"), manifest_sha256(l->q->manifest))) {
        err_set(err, ERR_USAGE, "--resume: the manifest has changed since run %s was started", text_at(l->run, "run"));
        return err_hint(err, "its text then is in %s/run.json",
                        json_string_value(json_array_get(json_object_get(l->run, "folders"), 0)));
    }
    plan_hash(l->q->plan, plan);
    if (!str_eq(text_at(l->run, "plan"), plan)) {
        err_set(err, ERR_USAGE, "--resume: the switches are not those of run %s", text_at(l->run, "run"));
        return err_hint(err, "it was: %s", text_at(l->run, "command"));
    }
    return take_stored(l, err);
}

/* ---- the logs --------------------------------------------------------------------------------------------------- */

/* *out is NULL when that log is not open yet. */
static int find_log(struct run_log *l, const struct record_open *open, struct rawlog **out, struct err *err)
{
    char *path;
    TRY(rawlog_path(&path, l->q->parent, open, err));
    *out = NULL;
    for (size_t i = 0; i < l->n_logs; i++)
        if (strcmp(l->logs[i].path, path) == 0)
            *out = l->logs[i].log;
    free(path);
    return 0;
}

static int log_for(struct run_log *l, const struct record_open *open, struct rawlog **out, struct err *err)
{
    TRY(find_log(l, open, out, err));
    if (*out)
        return 0;
    TRY(mem_grow(&l->logs, &l->cap_logs, l->n_logs, sizeof *l->logs, err));
    struct open_log *o = &l->logs[l->n_logs];
    TRY(rawlog_path(&o->path, l->q->parent, open, err));
    if (rawlog_open(out, l->q->parent, open, err) < 0) {
        free(o->path);
        return -1;
    }
    o->log = *out;
    l->n_logs++;
    return 0;
}

static const char *or_null(const char *s)
{
    return s && *s ? s : NULL;
}

/* The log of a cell, begun with the fingerprint of machine, build and model. `ready`: what the child said, or NULL for a
 * cell that never opened its engine. */
static int open_for(struct run_log *l, const struct plan_cell *c, const json_t *ready, tick_fn tick, void *arg,
                    struct err *err)
{
    struct engine_name name;
    char engine[64];
    /* an engine that is not built has a row all the same: by the name it was called */
    bool known = engine_name_parse(&name, c->engine, NULL) == 0;
    snprintf(engine, sizeof engine, "%.*s", (int)strcspn(c->engine, ":@"), c->engine);
    struct record_open open = {.run = run_log_uuid(l), .started = text_at(l->run, "started"),
                               .engine = known ? name.class->name : engine, .variant = known ? or_null(name.variant) : NULL,
                               .model = c->model, .size = or_null(text_at(ready, "size")),
                               .quantize = or_null(text_at(ready, "quantize")), .device = l->q->device ? l->q->device : "cpu",
                               .seed = l->q->seed, .host = l->machine.nodename, .user = l->user,
                               .platform = l->machine.sysname, .release = l->machine.release, .command = l->q->command};
    if (find_log(l, &open, &l->now, err) < 0)
        return -1;
    if (l->now)
        return 0;
    struct fingerprint_input in = {.command = l->q->command, .seed = l->q->seed, .model = ready ? c->model_path : NULL,
                                   .model_sha256 = text_at(ready, "sha256"), .engine = open.engine,
                                   .engine_version = text_at(ready, "version"),
                                   .checked_against = text_at(ready, "checked_against"), .tick = tick,
                                   .tick_arg = arg};
    json_t *print = fingerprint(&in, err);
    if (!print)
        return -1;
    open.fingerprint = print;
    int rc = log_for(l, &open, &l->now, err);
    json_decref(print);
    return rc;
}

static int64_t number_or_unknown(const json_t *ready, const char *key, bool zero_is_unknown)
{
    json_int_t x = json_integer_value(json_object_get(ready, key));
    return x < 0 || (x == 0 && zero_is_unknown) ? RECORD_UNKNOWN : (int64_t)x;
}

int run_log_ready(struct run_log *l, const struct plan_launch *launch, const json_t *ready, tick_fn tick, void *arg,
                  struct err *err)
{
    const struct plan_cell *c = &l->q->plan->cells[launch->cell];
    json_decref(l->ready);
    l->ready = json_incref((json_t *)ready);
    TRY(open_for(l, c, ready, tick, arg, err));
    struct record_ready r = {.cell = l->keys[launch->cell], .launch = run_log_launch(l, launch),
                             .version = text_at(ready, "version"), .checked_against = text_at(ready, "checked_against"),
                             .clock = text_at(ready, "clock"), .load_ns = number_or_unknown(ready, "load_ns", false),
                             .parameters = number_or_unknown(ready, "parameters", true),
                             .step_parameters = number_or_unknown(ready, "step_parameters", true),
                             .step_bytes = number_or_unknown(ready, "step_bytes", true),
                             .position_bytes = number_or_unknown(ready, "position_bytes", false),
                             .weights_bytes = number_or_unknown(ready, "weights", false),
                             .kv_bytes = number_or_unknown(ready, "kv", false),
                             .scratch_bytes = number_or_unknown(ready, "scratch", false)};
    return rawlog_ready(l->now, &r, err);
}

int run_log_sample(struct run_log *l, const char *line, size_t len, struct err *err)
{
    if (!l->now)
        return err_set(err, ERR_ENGINE, "a sample came before the engine was ready");
    return rawlog_line(l->now, line, len, err);
}

int run_log_end(struct run_log *l, const struct plan_launch *launch, const struct err *why, uint64_t samples,
                uint64_t peak_bytes, struct err *err)
{
    const struct plan_cell *c = &l->q->plan->cells[launch->cell];
    struct engine_name name;
    char engine[64];
    bool known = engine_name_parse(&name, c->engine, NULL) == 0;
    snprintf(engine, sizeof engine, "%.*s", (int)strcspn(c->engine, ":@"), c->engine);
    if (!l->now)
        TRY(open_for(l, c, NULL, NULL, NULL, err));
    struct cell_record r = {.key = l->keys[launch->cell], .experiment = c->experiment,
                            .engine = known ? name.class->name : engine, .variant = known && *name.variant ? name.variant : NULL,
                            .model = c->model, .params = c->params, .launch = run_log_launch(l, launch),
                            .status = why->code ? err_code_name(why->code) : "ok", .reason = why->code ? why->text : NULL,
                            .hint = why->code ? or_null(why->hint) : NULL, .samples = (int64_t)samples,
                            .peak_bytes = peak_bytes ? (int64_t)peak_bytes : RECORD_UNKNOWN,
                            .checked_against = known ? name.class->checked_against : NULL, .benchmark = c->benchmark,
                            .target = c->target};
    int rc = rawlog_cell(l->now, &r, err);
    l->now = NULL;
    return rc;
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

static int name_cells(struct run_log *l, struct err *err)
{
    const struct plan *p = l->q->plan;
    l->keys = mem_zalloc(p->n_cells, sizeof *l->keys, err);
    l->first = mem_zalloc(p->n_cells, sizeof *l->first, err);
    json_t *next = json_object();
    int rc = l->keys && l->first && next ? 0 : -1;
    for (size_t i = 0; i < p->n_cells && rc == 0; i++) {
        const struct plan_cell *c = &p->cells[i];
        struct engine_name name = {0};
        bool known = engine_name_parse(&name, c->engine, NULL) == 0;
        rc = record_cell_key(l->keys[i], c->experiment, known ? name.class->name : c->engine,
                             known ? or_null(name.variant) : NULL, c->model, c->params, err);
        l->first[i] = json_integer_value(json_object_get(next, l->keys[i]));
        json_object_set_new(next, l->keys[i], json_integer(l->first[i] + (json_int_t)(c->launches ? c->launches : 1)));
    }
    json_decref(next);
    return rc;
}

static void who(struct run_log *l)
{
    const struct passwd *p = getpwuid(getuid());
    const char *name = p ? p->pw_name : getenv("USER");
    snprintf(l->user, sizeof l->user, "%s", name ? name : "unknown");
    uname(&l->machine);
}

int run_log_open(struct run_log **out, const struct run_request *q, struct err *err)
{
    struct run_log *l = mem_zalloc(1, sizeof *l, err);
    *out = l;
    if (!l)
        return -1;
    l->q = q;
    l->stored = json_object();
    l->ended = json_object();
    who(l);
    l->before = machine_facts(NULL, err);
    if (!l->before)
        return -1;
    TRY(file_mkdirs(q->parent, err));
    TRY(run_lock_take(&l->lock, q->parent, err));
    TRY(name_cells(l, err));
    return q->resume ? take_up(l, err) : new_run(l, err);
}

int run_log_close(struct run_log *l, const char *status, struct err *err)
{
    char when[32];
    int rc = 0;
    if (!l)
        return 0;
    bool done = str_eq(status, "done");
    json_t *facts = done ? machine_facts(NULL, NULL) : NULL;
    json_t *delta = facts ? machine_delta(l->before, facts, NULL) : NULL;
    struct record_close close = {.ended = clock_iso(clock_real_ms(), when), .status = status, .after = delta};
    for (size_t i = 0; i < l->n_logs; i++) { /* only a whole run is closed: one that was broken off may go on */
        if (rawlog_close(l->logs[i].log, done ? &close : NULL, rc == 0 ? err : NULL) < 0)
            rc = -1;
        free(l->logs[i].path);
    }
    if (l->run && status && rc == 0 && (set_text(l->run, "status", status, err) < 0 || write_run(l, err) < 0))
        rc = -1;
    run_lock_release(l->lock);
    json_decref(facts);
    json_decref(delta);
    json_decref(l->before);
    json_decref(l->run);
    json_decref(l->stored);
    json_decref(l->ended);
    json_decref(l->ready);
    free(l->logs);
    free(l->keys);
    free(l->first);
    free(l);
    return rc;
}

const char *run_log_uuid(const struct run_log *l)
{
    const char *uuid = text_at(l->run, "run");
    return uuid ? uuid : "";
}

const char *run_log_folder(const struct run_log *l)
{
    const char *folder = json_string_value(json_array_get(json_object_get(l->run, "folders"), 0));
    return folder ? folder : "";
}

const char *run_log_key(const struct run_log *l, size_t cell)
{
    return l->keys[cell];
}

int64_t run_log_launch(const struct run_log *l, const struct plan_launch *launch)
{
    return l->first[launch->cell] + (int64_t)launch->repeat;
}

static const json_t *at_launch(const struct run_log *l, const json_t *map, const struct plan_launch *launch)
{
    char name[CELL_KEY_TEXT + 24];
    snprintf(name, sizeof name, "%s/%" PRId64, l->keys[launch->cell], run_log_launch(l, launch));
    return json_object_get(map, name);
}

const json_t *run_log_have(const struct run_log *l, const struct plan_launch *launch)
{
    return at_launch(l, l->stored, launch);
}

const char *run_log_ended(const struct run_log *l, const struct plan_launch *launch)
{
    return json_string_value(at_launch(l, l->ended, launch));
}

bool run_log_command_done(const struct run_log *l, size_t command)
{
    size_t i;
    json_t *n;
    json_array_foreach(json_object_get(l->run, "commands_done"), i, n)
        if ((size_t)json_integer_value(n) == command)
            return true;
    return false;
}

int run_log_command(struct run_log *l, size_t command, struct err *err)
{
    if (json_array_append_new(json_object_get(l->run, "commands_done"), json_integer((json_int_t)command)) < 0)
        return err_set(err, ERR_MEMORY, "out of memory");
    return write_run(l, err);
}

#include "support/stand_in_thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/data_path.h"
#include "support/testing.h"

static void *run_server(void *arg)
{
    struct err err = ERR_INIT;
    return http_server_run(arg, &err) < 0 ? arg : NULL;
}

void serve_start(struct served *s, http_handler handler, void *arg)
{
    struct err err = ERR_INIT;
    assert_ok(http_server_open(&s->server, 0, handler, arg, &err));
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d", http_server_port(s->server));
    assert_int_equal(pthread_create(&s->thread, NULL, run_server, s->server), 0);
}

void serve_end(struct served *s)
{
    void *failed;
    http_server_stop(s->server);
    pthread_join(s->thread, &failed);
    assert_null(failed);
    http_server_close(s->server);
}

static void *run_double(void *arg)
{
    struct err err = ERR_INIT;
    return stand_in_run(arg, &err) < 0 ? arg : NULL;
}

void double_start(struct doubled *d, const char *engine, struct stand_in_options options)
{
    struct err err = ERR_INIT;
    struct engine_name name;
    char *model = strncmp(engine, "native", 6) == 0 ? data_path("models/teacher", &err) : NULL;
    assert_ok(engine_name_parse(&name, engine, &err));
    assert_ok(engine_open(&d->engine, &(struct engine_spec){.name = &name, .model = model, .context = 128, .threads = 1}, &err));
    free(model);
    options.engine = d->engine;
    assert_ok(stand_in_open(&d->stand_in, &options, &err));
    assert_int_equal(pthread_create(&d->thread, NULL, run_double, d->stand_in), 0);
}

void double_end(struct doubled *d)
{
    void *failed;
    stand_in_stop(d->stand_in);
    pthread_join(d->thread, &failed);
    assert_null(failed);
    stand_in_close(d->stand_in);
    engine_close(d->engine);
}

/* The client against a small server: what it sends, what it keeps, and that everything ends. */
#include "support/testing.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "net/http.h"
#include "support/stand_in_thread.h"

enum { PIECES = 40 };

struct pieces {
    int told;
    bool endless, silent, cut;
};

static enum http_next next_piece(void *arg, struct buf *out, int64_t *due)
{
    struct pieces *p = arg;
    if (p->endless) {
        for (int i = 0; i < 4096; i++)
            buf_str(out, "again\n");
        return HTTP_NEXT_MORE;
    }
    if (p->told == PIECES)
        return HTTP_NEXT_END;
    if (p->told == 3 && p->cut)
        return HTTP_NEXT_CUT;
    buf_printf(out, "%lld\n", (long long)clock_ns());
    p->told++;
    *due += 1000000;
    if (p->silent)
        *due = INT64_MAX;
    return HTTP_NEXT_MORE;
}

static void answer(void *arg, const struct http_call *call, struct http_answer *a)
{
    (void)arg;
    if (call_is(call, "GET", "/hello")) {
        a->content_type = "Text/Plain; charset=utf-8";
        buf_str(&a->body, "hello");
    } else if (call_is(call, "POST", "/echo")) {
        buf_printf(&a->body, "%zu:", call->body_len);
        buf_add(&a->body, call->body, call->body_len);
    } else if (call_is(call, "GET", "/key")) {
        buf_str(&a->body, call->authorization);
    } else if (call_is(call, "GET", "/moved")) {
        a->status = 302;
        a->location = "/hello";
    } else if (call_is(call, "GET", "/slow")) {
        a->due = clock_ns() + INT64_C(30000000000);
    } else if (call_is(call, "GET", "/refused")) {
        a->status = 400;
        buf_str(&a->body, "no");
    } else {
        static struct pieces p[5];
        const char *words[] = {"/pieces", "/endless", "/silent", "/cut", "/close"};
        for (int i = 0; i < 5; i++)
            if (strcmp(call->path, words[i]) == 0) {
                p[i] = (struct pieces){.endless = i == 1, .silent = i == 2, .cut = i == 3};
                a->due = clock_ns();
                a->next = next_piece;
                a->talk = &p[i];
                a->until_close = i == 4;
                return;
            }
        a->status = 404;
    }
}

struct here {
    struct served served;
    struct http *http;
};

static int set_up(void **state)
{
    struct err err = ERR_INIT;
    struct here *h = calloc(1, sizeof *h);
    serve_start(&h->served, answer, NULL);
    assert_ok(http_open(&h->http, &err));
    *state = h;
    return 0;
}

static int tear_down(void **state)
{
    struct here *h = *state;
    http_close(h->http);
    serve_end(&h->served);
    free(h);
    return 0;
}

static const char *url(const struct here *h, const char *path)
{
    static char text[2][128];
    static int turn;
    turn ^= 1;
    snprintf(text[turn], sizeof text[turn], "%s%s", h->served.url, path);
    return text[turn];
}

static void replies_come_back(void **state)
{
    struct here *h = *state;
    struct err err = ERR_INIT;
    struct http_reply r = {0};
    char *big = malloc(3 << 20);
    memset(big, 'x', 3 << 20);
    for (int again = 0; again < 3; again++) {
        assert_ok(http_fetch(h->http, &(struct http_request){.url = url(h, "/hello")}, &r, &err));
        assert_int_equal(r.status, 200);
        assert_string_equal(r.content_type, "text/plain");
        assert_string_equal(r.body.data, "hello");
    }
    assert_ok(http_fetch(h->http, &(struct http_request){.url = url(h, "/echo"), .body = big, .body_len = 3 << 20}, &r, &err));
    assert_int_equal(r.body.len, (3 << 20) + 8);
    assert_memory_equal(r.body.data, "3145728:x", 9);
    assert_ok(http_fetch(h->http, &(struct http_request){.url = url(h, "/refused")}, &r, &err));
    assert_int_equal(r.status, 400);
    assert_string_equal(r.body.data, "no");
    assert_ok(http_fetch(h->http, &(struct http_request){.url = url(h, "/hello"), .method = "HEAD",
                         .limits = {.first_byte = 2000}}, &r, &err));
    assert_int_equal(r.status, 404); /* the server has no HEAD for it, and no body is waited for */
    http_reply_release(&r);
    free(big);
}

static void redirects_are_followed_only_on_demand(void **state)
{
    struct here *h = *state;
    struct err err = ERR_INIT;
    struct http_reply r = {0};
    assert_ok(http_fetch(h->http, &(struct http_request){.url = url(h, "/moved")}, &r, &err));
    assert_int_equal(r.status, 302);
    assert_string_equal(r.location, "/hello");
    assert_ok(http_fetch(h->http, &(struct http_request){.url = url(h, "/moved"), .follow = true}, &r, &err));
    assert_int_equal(r.status, 200);
    assert_string_equal(r.body.data, "hello");
    http_reply_release(&r);
}

struct got {
    int n;
    int64_t stamps_before_send;
    int enough_after;
};

static int see(void *arg, const char *data, size_t len, int64_t stamp, struct err *err)
{
    struct got *g = arg;
    (void)err;
    int64_t sent = strtoll(data, NULL, 10), lag = stamp - sent;
    assert_true(len > 0 && stamp <= clock_ns());
    g->n++;
    g->stamps_before_send += lag < -50000; /* what http.c allows itself */
    return g->enough_after && g->n == g->enough_after;
}

static void pieces_are_stamped(void **state)
{
    struct here *h = *state;
    struct err err = ERR_INIT;
    const char *paths[] = {"/pieces", "/close"};
    for (int i = 0; i < 2; i++) {
        struct got g = {0};
        struct http_exchange x = {.request = {.url = url(h, paths[i]), .events = true, .on_data = see, .arg = &g}};
        assert_ok(http_start(h->http, &x, &err));
        assert_ok(http_wait(h->http, HTTP_ALL, &err));
        assert_int_equal(x.failure.code, ERR_NONE);
        assert_true(g.n > 0 && g.n <= PIECES);
        assert_int_equal(g.stamps_before_send, 0); /* nothing arrives before it was sent */
        assert_true(x.ended && x.reply.status == 200);
        http_exchange_release(&x);
    }
    struct got g = {.enough_after = 2};
    struct http_exchange x = {.request = {.url = url(h, "/pieces"), .events = true, .on_data = see, .arg = &g}};
    assert_ok(http_start(h->http, &x, &err));
    assert_ok(http_wait(h->http, HTTP_ALL, &err));
    assert_int_equal(x.failure.code, ERR_NONE);
    assert_int_equal(g.n, 2);
    http_exchange_release(&x);
}

static void many_at_once(void **state)
{
    enum { N = 30 };
    struct here *h = *state;
    struct err err = ERR_INIT;
    struct http_exchange x[N];
    const char *hello = url(h, "/hello");
    for (int i = 0; i < N; i++) {
        x[i] = (struct http_exchange){.request = {.url = hello}};
        assert_ok(http_start(h->http, &x[i], &err));
        assert_ok(http_wait_until(h->http, clock_ns() + 1000, &err));
        while (i % 7 == 6 && !x[i].ended)
            assert_ok(http_wait(h->http, HTTP_ANY, &err));
    }
    http_cancel(&x[N - 1]);
    assert_ok(http_wait(h->http, HTTP_ALL, &err));
    for (int i = 0; i < N; i++) {
        assert_true(x[i].ended);
        assert_true(x[i].failure.code == ERR_NONE || (i == N - 1 && x[i].failure.code == ERR_INTERRUPTED));
        http_exchange_release(&x[i]);
    }
}

static int swallow(void *arg, const char *data, size_t len, int64_t stamp, struct err *err)
{
    (void)arg, (void)data, (void)len, (void)stamp, (void)err;
    return 0;
}

static int refuse(void *arg, const char *data, size_t len, int64_t stamp, struct err *err)
{
    (void)arg, (void)data, (void)len, (void)stamp;
    return err_set(err, ERR_ENGINE, "cannot read this");
}

static void everything_ends(void **state)
{
    struct here *h = *state;
    struct err err = ERR_INIT;
    struct http_reply r = {0};
    struct http_limits short_ones = {.first_byte = 60, .idle = 60, .body = 1 << 20};
    const struct {
        const char *url;
        enum err_code code;
        const char *part;
        int (*on_data)(void *, const char *, size_t, int64_t, struct err *);
        int64_t total;
    } cases[] = {
        {"http://127.0.0.1:1/x", ERR_MISSING, "nothing answers at 'http://127.0.0.1:1/x'", NULL, 0},
        {"http://no.such.host.invalid/", ERR_MISSING, "nothing answers", NULL, 0},
        {"file:///etc/passwd", ERR_USAGE, "is not a URL", NULL, 0},
        {"http://", ERR_USAGE, "is not a URL", NULL, 0},
        {"/slow", ERR_TIMEOUT, "no answer within 60 ms", NULL, 0},
        {"/silent", ERR_TIMEOUT, "silent for 60 ms", NULL, 0},
        {"/endless", ERR_ENGINE, "sends more than 1048576 bytes", swallow, 0},
        {"/endless", ERR_ENGINE, "sends more than 1048576 bytes", NULL, 0},
        {"/pieces", ERR_TIMEOUT, "not done within 20 ms", swallow, 20},
        {"/cut", ERR_ENGINE, "the connection broke in the middle of the reply", swallow, 0},
        {"/pieces", ERR_ENGINE, "cannot read this", refuse, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_request q = {.url = *cases[i].url == '/' ? url(h, cases[i].url) : cases[i].url, .limits = short_ones,
                                 .on_data = cases[i].on_data};
        q.limits.total = cases[i].total;
        assert_err(http_fetch(h->http, &q, &r, &err), cases[i].code, cases[i].part);
    }
    assert_ok(http_fetch(h->http, &(struct http_request){.url = url(h, "/hello")}, &r, &err)); /* and it still works */
    http_reply_release(&r);
}

static void keys_are_sent_and_never_shown(void **state)
{
    struct here *h = *state;
    struct err err = ERR_INIT;
    struct http_reply r = {0};
    struct http_key key = {0};
    char path[256], source[300];
    setenv("PRONY_TEST_KEY", "sk-one  \n", 1);
    assert_ok(http_key_read(&key, "env:PRONY_TEST_KEY", &err));
    assert_ok(http_fetch(h->http, &(struct http_request){.url = url(h, "/key"), .key = &key}, &r, &err));
    assert_string_equal(r.body.data, "Bearer sk-one");
    http_key_release(&key);
    snprintf(path, sizeof path, "%s/key", test_dir());
    snprintf(source, sizeof source, "file:%s", path);
    assert_ok(file_write(path, "sk-two\n", 7, &err));
    assert_ok(http_key_read(&key, source, &err));
    assert_ok(http_fetch(h->http, &(struct http_request){.url = url(h, "/key"), .key = &key}, &r, &err));
    assert_string_equal(r.body.data, "Bearer sk-two");
    http_key_release(&key);
    assert_err(http_key_read(&key, "sk-secret", &err), ERR_USAGE, "expected env:NAME or file:PATH");
    assert_null(strstr(err.text, "secret"));
    assert_err(http_key_read(&key, "env:PRONY_NO_SUCH_KEY", &err), ERR_MISSING, "no 'PRONY_NO_SUCH_KEY'");
    assert_ok(file_write(path, "two words\n", 10, &err));
    assert_err(http_key_read(&key, source, &err), ERR_INPUT, "one word");
    assert_null(strstr(err.text, "two words"));
    http_reply_release(&r);
}

/* A proxy that the environment names is not asked for a loopback address. */
static void loopback_needs_no_proxy(void **state)
{
    struct here *h = *state;
    struct err err = ERR_INIT;
    struct http_reply r = {0};
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    assert_ok(http_fetch(h->http, &(struct http_request){.url = url(h, "/hello")}, &r, &err));
    assert_err(http_fetch(h->http, &(struct http_request){.url = "http://example.invalid/"}, &r, &err), ERR_MISSING, "nothing answers");
    unsetenv("http_proxy");
    http_reply_release(&r);
}

static void *one_reply(void *arg)
{
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nunix";
    char request[4096];
    int fd = accept(*(int *)arg, NULL, NULL);
    (void)!read(fd, request, sizeof request);
    (void)!write(fd, reply, sizeof reply - 1);
    close(fd);
    return NULL;
}

static void unix_sockets_work(void **state)
{
    struct here *h = *state;
    struct err err = ERR_INIT;
    struct http_reply r = {0};
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    pthread_t thread;
    snprintf(at.sun_path, sizeof at.sun_path, "%s/sock", test_dir());
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    pthread_create(&thread, NULL, one_reply, &fd);
    assert_ok(http_fetch(h->http, &(struct http_request){.url = "http://localhost/x", .unix_socket = at.sun_path}, &r, &err));
    assert_string_equal(r.body.data, "unix");
    pthread_join(thread, NULL);
    close(fd);
    http_reply_release(&r);
}

static void text_is_escaped(void **unused)
{
    (void)unused;
    struct buf b = BUF_INIT(256);
    http_escape(&b, "a b/c?\xc3\xa4~");
    assert_string_equal(b.data, "a%20b%2Fc%3F%C3%A4~");
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_come_back), cmocka_unit_test(redirects_are_followed_only_on_demand),
        cmocka_unit_test(pieces_are_stamped), cmocka_unit_test(many_at_once), cmocka_unit_test(everything_ends),
        cmocka_unit_test(keys_are_sent_and_never_shown), cmocka_unit_test(loopback_needs_no_proxy),
        cmocka_unit_test(unix_sockets_work), cmocka_unit_test(text_is_escaped),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

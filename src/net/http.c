/* The loop: libcurl says which sockets and which time it waits for, epoll waits, and before libcurl reads a socket the
 * kernel is asked when its bytes came. Limits are our own deadlines, one comparison an exchange and turn. */
#include "net/http.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "net/receive_stamp.h"

enum { EVENTS_A_TURN = 64, KEY_MAX = 16384, ERROR_BODY_MAX = 1 << 20 };
static const int64_t NEVER = INT64_MAX;
enum { READ_EVENTS = 2048, READ_BULK = 256 << 10 }; /* bytes a read; a stamp dates one read */
static const int64_t PEEK_NS = 50000; /* a read that came later after its stamp may hold what the stamp does not date */

struct http_work {
    struct http *http;
    struct http_exchange *x;
    CURL *easy;
    struct curl_slist *headers;
    FILE *file;
    int fd;                  /* that it reads from, as libcurl told; -1 */
    int64_t stamp;           /* of the bytes that libcurl read last; RECEIVE_UNSTAMPED */
    int64_t total_at, idle_at; /* deadlines; idle_at is that of the first byte until one came */
    bool has_byte, enough;
    uint64_t n_body;
    char told[CURL_ERROR_SIZE];
    struct http_work *next;
};

struct http {
    CURLM *multi;
    int epoll;
    int64_t timer_at;        /* libcurl wants to be called then; NEVER */
    struct {
        int fd;              /* where bytes wait; -1 */
        int64_t stamp, at;   /* theirs, and when the kernel was asked for it */
        size_t waiting;      /* how many of one read */
    } peek;
    struct http_work *running;
    size_t n_ended;          /* counted up as exchanges end */
};

/* ---- keys ------------------------------------------------------------------------------------------------------- */

int http_key_read(struct http_key *key, const char *source, struct err *err)
{
    struct buf text = BUF_INIT(KEY_MAX + (1 << 17)); /* room for file_read */
    const char *from = NULL;
    if (str_starts(source, "env:")) {
        from = getenv(source + 4);
        if (!from || !*from)
            return err_set(err, ERR_MISSING, "the environment has no '%s' to read a key from", source + 4);
    } else if (str_starts(source, "file:")) {
        TRY(file_read(&text, source + 5, KEY_MAX, err));
        from = text.data ? text.data : "";
    } else {
        err_set(err, ERR_USAGE, "a key is named, not written: expected env:NAME or file:PATH");
        return err_hint(err, "put the key into an environment variable or a file that only you can read");
    }
    size_t n = strlen(from);
    while (n > 0 && isspace((unsigned char)from[n - 1]))
        n--;
    int rc = n == 0 ? err_set(err, ERR_INPUT, "'%s' holds no key", source) : 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        if ((unsigned char)from[i] <= ' ' || (unsigned char)from[i] > '~')
            rc = err_set(err, ERR_INPUT, "'%s': a key is one word of printable characters", source);
    if (rc == 0 && !(key->text = mem_strndup(from, n, err)))
        rc = -1;
    if (text.data)
        explicit_bzero(text.data, text.len);
    buf_release(&text);
    return rc;
}

void http_key_release(struct http_key *key)
{
    if (key->text)
        explicit_bzero(key->text, strlen(key->text));
    free(key->text);
    key->text = NULL;
}

/* ---- what libcurl calls ----------------------------------------------------------------------------------------- */

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *at)
{
    (void)arg;
    (void)purpose;
    int fd = socket(at->family, at->socktype | SOCK_CLOEXEC, at->protocol);
    if (fd >= 0)
        receive_stamp_enable(fd);
    return fd;
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct http *h = arg;
    struct http_work *w = NULL;
    struct epoll_event e = {.data.fd = fd};
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &w);
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(h->epoll, EPOLL_CTL_DEL, fd, NULL); /* it may be closed already */
        curl_multi_assign(h->multi, fd, NULL);
        return 0;
    }
    e.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    if (w)
        w->fd = fd;
    if (epoll_ctl(h->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &e) < 0)
        epoll_ctl(h->epoll, known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &e);
    curl_multi_assign(h->multi, fd, h);
    return 0;
}

static int set_timer(CURLM *multi, long ms, void *arg)
{
    struct http *h = arg;
    (void)multi;
    h->timer_at = ms < 0 ? NEVER : clock_ns() + ms * INT64_C(1000000);
    return 0;
}

static int64_t after(int64_t now, int64_t ms)
{
    return now + ms * INT64_C(1000000);
}

static void byte_came(struct http_work *w, int64_t now)
{
    w->has_byte = true;
    w->idle_at = after(now, w->x->request.limits.idle);
}

static void copy_value(char *out, size_t room, const char *value, size_t n)
{
    while (n > 0 && isspace((unsigned char)*value))
        value++, n--;
    while (n > 0 && isspace((unsigned char)value[n - 1]))
        n--;
    snprintf(out, room, "%.*s", (int)(n < room ? n : room - 1), value);
}

/* The stamp of what waits on that socket now, before libcurl reads it. */
static void peek(struct http *h, int fd)
{
    h->peek.fd = fd;
    h->peek.stamp = receive_stamp(fd, READ_EVENTS, &h->peek.waiting);
    h->peek.at = clock_ns();
}

/* libcurl has read n bytes. Does the stamp taken before date them all? Bytes may have slipped in between, but not when a
 * whole read was waiting, nor into a read that followed at once. libcurl goes on reading while there is more, so that the
 * next read is looked at here, too. */
static int see_read(CURL *easy, curl_infotype type, char *data, size_t n, void *arg)
{
    struct http_work *w = arg;
    struct http *h = w->http;
    (void)easy, (void)data;
    if (type != CURLINFO_DATA_IN)
        return 0;
    bool dated = h->peek.fd == w->fd && n <= h->peek.waiting &&
                 (h->peek.waiting == READ_EVENTS || clock_ns() - h->peek.at <= PEEK_NS);
    w->stamp = dated ? h->peek.stamp : RECEIVE_UNSTAMPED;
    peek(h, w->fd);
    return 0;
}

/* A stream is read from that socket: is anything to be dated? */
static bool is_dated(const struct http *h, int fd)
{
    for (const struct http_work *w = h->running; w; w = w->next)
        if (w->fd == fd)
            return w->x->request.events && !w->x->request.unix_socket;
    return false;
}

static size_t see_header(char *line, size_t one, size_t n, void *arg)
{
    struct http_work *w = arg;
    struct http_reply *r = &w->x->reply;
    (void)one;
    byte_came(w, clock_ns());
    if (n > 5 && memcmp(line, "HTTP/", 5) == 0) { /* a redirect that is followed has a head of its own */
        r->content_type[0] = r->location[0] = '\0';
    } else if (n > 13 && strncasecmp(line, "content-type:", 13) == 0) {
        copy_value(r->content_type, sizeof r->content_type, line + 13, n - 13);
        r->content_type[strcspn(r->content_type, "; ")] = '\0';
        for (char *c = r->content_type; *c; c++)
            *c = (char)tolower((unsigned char)*c);
    } else if (n > 9 && strncasecmp(line, "location:", 9) == 0) {
        copy_value(r->location, sizeof r->location, line + 9, n - 9);
    }
    return n;
}

static size_t see_body(char *data, size_t one, size_t n, void *arg)
{
    struct http_work *w = arg;
    struct http_exchange *x = w->x;
    int64_t now = clock_ns(), stamp = w->stamp;
    long status = 0;
    (void)one;
    byte_came(w, now);
    curl_easy_getinfo(w->easy, CURLINFO_RESPONSE_CODE, &status);
    w->n_body += n;
    if (w->n_body > x->request.limits.body) {
        err_set(&x->failure, ERR_ENGINE, "'%s' sends more than %llu bytes", x->request.url,
                (unsigned long long)x->request.limits.body);
        return 0;
    }
    x->reply.stamped = stamp != RECEIVE_UNSTAMPED;
    if (!x->request.on_data || status < 200 || status > 299) {
        buf_add(&x->reply.body, data, n);
        return buf_check(&x->reply.body, &x->failure) < 0 ? 0 : n;
    }
    int rc = x->request.on_data(x->request.arg, data, n, x->reply.stamped ? stamp : now, &x->failure);
    w->enough = rc > 0;
    return rc == 0 ? n : 0;
}

static size_t give_file(char *room, size_t one, size_t n, void *arg)
{
    struct http_work *w = arg;
    size_t got = fread(room, one, n, w->file);
    if (ferror(w->file)) {
        err_set_errno(&w->x->failure, errno, "'%s'", w->x->request.body_file);
        return CURL_READFUNC_ABORT;
    }
    return got;
}

/* ---- beginning -------------------------------------------------------------------------------------------------- */

int http_open(struct http **out, struct err *err)
{
    struct http *h = mem_zalloc(1, sizeof *h, err);
    if (!h)
        return -1;
    curl_global_init(CURL_GLOBAL_DEFAULT); /* counted, and safe between threads */
    h->timer_at = NEVER;
    h->peek.fd = -1;
    h->epoll = epoll_create1(EPOLL_CLOEXEC);
    h->multi = curl_multi_init();
    if (h->epoll < 0 || !h->multi) {
        err_set_errno(err, h->epoll < 0 ? errno : ENOMEM, "cannot wait for the network");
        http_close(h);
        return -1;
    }
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    *out = h;
    return 0;
}

/* Is that a loopback address? A proxy would ask its own. */
static bool is_loopback(const char *url)
{
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    return str_starts(host, "127.") || str_starts(host, "localhost") || str_starts(host, "[::1]");
}

static int add_header(struct http_work *w, const char *line, struct err *err)
{
    struct curl_slist *more = curl_slist_append(w->headers, line);
    if (!more)
        return err_set(err, ERR_MEMORY, "out of memory for the headers of '%s'", w->x->request.url);
    w->headers = more;
    return 0;
}

static int set_body(struct http_work *w, struct err *err)
{
    const struct http_request *q = &w->x->request;
    struct stat st;
    if (q->body_file) {
        w->file = fopen(q->body_file, "rbe");
        if (!w->file || fstat(fileno(w->file), &st) < 0)
            return err_set_errno(err, errno, "'%s'", q->body_file);
        curl_easy_setopt(w->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(w->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)st.st_size);
        curl_easy_setopt(w->easy, CURLOPT_READFUNCTION, give_file);
        curl_easy_setopt(w->easy, CURLOPT_READDATA, w);
    } else if (q->body) {
        curl_easy_setopt(w->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(w->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body_len);
        curl_easy_setopt(w->easy, CURLOPT_POSTFIELDS, q->body);
    }
    if (q->method && strcmp(q->method, "HEAD") == 0)
        curl_easy_setopt(w->easy, CURLOPT_NOBODY, 1L);
    else if (q->method)
        curl_easy_setopt(w->easy, CURLOPT_CUSTOMREQUEST, q->method);
    return 0;
}

static int set_headers(struct http_work *w, struct err *err)
{
    const struct http_request *q = &w->x->request;
    TRY(add_header(w, "Expect:", err)); /* a large body must not wait for a go-ahead */
    if (q->body || q->body_file)
        TRY(add_header(w, q->body_file ? "Content-Type: application/octet-stream" : "Content-Type: application/json", err));
    for (size_t i = 0; i < q->n_headers; i++)
        TRY(add_header(w, q->headers[i], err));
    curl_easy_setopt(w->easy, CURLOPT_HTTPHEADER, w->headers);
    if (q->key && q->key->text) { /* libcurl itself withholds it from another host */
        curl_easy_setopt(w->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        curl_easy_setopt(w->easy, CURLOPT_XOAUTH2_BEARER, q->key->text);
    }
    return 0;
}

static void set_transfer(struct http_work *w)
{
    const struct http_request *q = &w->x->request;
    curl_easy_setopt(w->easy, CURLOPT_PRIVATE, w);
    curl_easy_setopt(w->easy, CURLOPT_ERRORBUFFER, w->told);
    curl_easy_setopt(w->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(w->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(w->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(w->easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(w->easy, CURLOPT_FOLLOWLOCATION, q->follow ? 1L : 0L);
    curl_easy_setopt(w->easy, CURLOPT_MAXREDIRS, 8L);
    curl_easy_setopt(w->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)q->limits.connect);
    curl_easy_setopt(w->easy, CURLOPT_BUFFERSIZE, q->events ? (long)READ_EVENTS : (long)READ_BULK);
    curl_easy_setopt(w->easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(w->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(w->easy, CURLOPT_HEADERFUNCTION, see_header);
    curl_easy_setopt(w->easy, CURLOPT_HEADERDATA, w);
    curl_easy_setopt(w->easy, CURLOPT_WRITEFUNCTION, see_body);
    curl_easy_setopt(w->easy, CURLOPT_WRITEDATA, w);
    if (q->events && !q->unix_socket) { /* told of each read; nothing is printed */
        curl_easy_setopt(w->easy, CURLOPT_VERBOSE, 1L);
        curl_easy_setopt(w->easy, CURLOPT_DEBUGFUNCTION, see_read);
        curl_easy_setopt(w->easy, CURLOPT_DEBUGDATA, w);
    }
    if (q->unix_socket)
        curl_easy_setopt(w->easy, CURLOPT_UNIX_SOCKET_PATH, q->unix_socket);
    if (is_loopback(q->url))
        curl_easy_setopt(w->easy, CURLOPT_PROXY, "");
}

static void set_defaults(struct http_limits *l)
{
    l->connect = l->connect ? l->connect : 5000;
    l->first_byte = l->first_byte ? l->first_byte : 600000;
    l->idle = l->idle ? l->idle : 120000;
    l->total = l->total ? l->total : 3600000;
    l->body = l->body ? l->body : UINT64_C(256) << 20;
}

static void release_work(struct http_work *w)
{
    if (!w)
        return;
    curl_easy_cleanup(w->easy);
    curl_slist_free_all(w->headers);
    if (w->file)
        fclose(w->file);
    free(w);
}

int http_start(struct http *h, struct http_exchange *x, struct err *err)
{
    struct http_work *w = mem_zalloc(1, sizeof *w, err);
    CURLMcode mc = CURLM_OK;
    if (!w)
        return -1;
    set_defaults(&x->request.limits);
    http_reply_release(&x->reply);
    buf_init(&x->reply.body, x->request.on_data ? ERROR_BODY_MAX : x->request.limits.body + 1);
    err_clear(&x->failure);
    x->ended = false;
    *w = (struct http_work){.http = h, .x = x, .easy = curl_easy_init(), .fd = -1, .stamp = RECEIVE_UNSTAMPED};
    if (!w->easy) {
        free(w);
        return err_set(err, ERR_MEMORY, "out of memory for an exchange with '%s'", x->request.url);
    }
    CURLcode c = curl_easy_setopt(w->easy, CURLOPT_URL, x->request.url);
    set_transfer(w);
    if (c != CURLE_OK || set_body(w, err) < 0 || set_headers(w, err) < 0) {
        release_work(w);
        return err_set(err, ERR_USAGE, "'%s' is not a URL", x->request.url);
    }
    x->reply.sent = clock_ns();
    w->total_at = after(x->reply.sent, x->request.limits.total);
    w->idle_at = after(x->reply.sent, x->request.limits.first_byte);
    mc = curl_multi_add_handle(h->multi, w->easy);
    if (mc != CURLM_OK) {
        release_work(w);
        return err_set(err, ERR_MEMORY, "'%s': %s", x->request.url, curl_multi_strerror(mc));
    }
    x->work = w;
    w->next = h->running;
    h->running = w;
    return 0;
}

/* ---- ending ----------------------------------------------------------------------------------------------------- */

static void end(struct http_work *w)
{
    struct http *h = w->http;
    struct http_exchange *x = w->x;
    long status = 0;
    curl_easy_getinfo(w->easy, CURLINFO_RESPONSE_CODE, &status);
    x->reply.status = (int)status;
    x->ended = true;
    x->work = NULL;
    for (struct http_work **at = &h->running; *at; at = &(*at)->next)
        if (*at == w) {
            *at = w->next;
            break;
        }
    curl_multi_remove_handle(h->multi, w->easy);
    release_work(w);
    h->n_ended++;
}

static void judge(struct http_work *w, CURLcode c)
{
    struct http_exchange *x = w->x;
    const char *url = x->request.url, *told = *w->told ? w->told : curl_easy_strerror(c);
    if (c == CURLE_OK || w->enough || x->failure.code != ERR_NONE)
        return; /* of a callback that failed, the reason is there already */
    if (c == CURLE_OPERATION_TIMEDOUT) {
        err_set(&x->failure, ERR_TIMEOUT, "'%s': no connection within %d ms", url, x->request.limits.connect);
    } else if (c == CURLE_COULDNT_CONNECT) { /* libcurl would say the address again, and how long it took */
        err_set(&x->failure, ERR_MISSING, "nothing answers at '%s'", url);
    } else if (c == CURLE_COULDNT_RESOLVE_HOST || c == CURLE_COULDNT_RESOLVE_PROXY) {
        err_set(&x->failure, ERR_MISSING, "nothing answers at '%s': %s", url, told);
    } else if (c == CURLE_URL_MALFORMAT || c == CURLE_UNSUPPORTED_PROTOCOL) {
        err_set(&x->failure, ERR_USAGE, "'%s' is not a URL that prony can ask: %s", url, told);
    } else if (c == CURLE_PARTIAL_FILE || c == CURLE_RECV_ERROR || c == CURLE_GOT_NOTHING) {
        err_set(&x->failure, ERR_ENGINE, "'%s': the connection broke %s: %s", url,
                w->n_body ? "in the middle of the reply" : "before a reply", told);
    } else {
        err_set(&x->failure, ERR_ENGINE, "'%s': %s", url, told);
    }
}

static void check_deadlines(struct http *h, int64_t now)
{
    struct http_work *next;
    for (struct http_work *w = h->running; w; w = next) {
        const struct http_request *q = &w->x->request;
        next = w->next;
        if (now < w->total_at && now < w->idle_at)
            continue;
        if (now >= w->total_at)
            err_set(&w->x->failure, ERR_TIMEOUT, "'%s': not done within %lld ms", q->url, (long long)q->limits.total);
        else if (w->has_byte)
            err_set(&w->x->failure, ERR_TIMEOUT, "'%s': silent for %d ms in the middle of the reply", q->url, q->limits.idle);
        else
            err_set(&w->x->failure, ERR_TIMEOUT, "'%s': no answer within %d ms", q->url, q->limits.first_byte);
        end(w);
    }
}

static void reap(struct http *h)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(h->multi, &left));) {
        struct http_work *w = NULL;
        CURLcode c = m->data.result;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &w);
        judge(w, c);
        end(w);
    }
}

/* ---- the loop --------------------------------------------------------------------------------------------------- */

static int64_t next_deadline(const struct http *h)
{
    int64_t at = h->timer_at;
    for (const struct http_work *w = h->running; w; w = w->next) {
        at = w->total_at < at ? w->total_at : at;
        at = w->idle_at < at ? w->idle_at : at;
    }
    return at;
}

static int wait_ms(int64_t now, int64_t until)
{
    int64_t ns = until - now;
    if (ns <= 0)
        return 0;
    return ns > INT64_C(3600000) * 1000000 ? 3600000 : (int)((ns + 999999) / 1000000);
}

/* One turn: waits, lets libcurl read and write, takes away what ended. */
static int turn(struct http *h, int64_t deadline, struct err *err)
{
    struct epoll_event events[EVENTS_A_TURN];
    int64_t until = next_deadline(h), now = clock_ns();
    int running;
    int n = epoll_wait(h->epoll, events, EVENTS_A_TURN, wait_ms(now, until < deadline ? until : deadline));
    if (n < 0 && errno != EINTR)
        return err_set_errno(err, errno, "cannot wait for the network");
    for (int i = 0; i < n; i++) {
        int fd = events[i].data.fd, what = 0;
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            what |= CURL_CSELECT_IN;
        if (events[i].events & EPOLLOUT)
            what |= CURL_CSELECT_OUT;
        if ((what & CURL_CSELECT_IN) && is_dated(h, fd))
            peek(h, fd);
        curl_multi_socket_action(h->multi, fd, what, &running);
        h->peek.fd = -1;
    }
    now = clock_ns();
    if (now >= h->timer_at) {
        h->timer_at = NEVER;
        curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    reap(h);
    check_deadlines(h, now);
    return 0;
}

int http_wait(struct http *h, enum http_until until, struct err *err)
{
    size_t before = h->n_ended;
    while (h->running && (until == HTTP_ALL || h->n_ended == before))
        TRY(turn(h, NEVER, err));
    return 0;
}

int http_wait_until(struct http *h, int64_t deadline, struct err *err)
{
    size_t before = h->n_ended;
    do
        TRY(turn(h, deadline, err));
    while (h->running && h->n_ended == before && clock_ns() < deadline);
    return 0;
}

void http_cancel(struct http_exchange *x)
{
    if (!x->work)
        return;
    err_set(&x->failure, ERR_INTERRUPTED, "'%s': ended before the reply", x->request.url);
    end(x->work);
}

void http_close(struct http *h)
{
    if (!h)
        return;
    while (h->running)
        http_cancel(h->running->x);
    curl_multi_cleanup(h->multi);
    if (h->epoll >= 0)
        close(h->epoll);
    free(h);
    curl_global_cleanup();
}

int http_fetch(struct http *h, const struct http_request *request, struct http_reply *reply, struct err *err)
{
    struct http_exchange x = {.request = *request};
    http_reply_release(reply);
    TRY(http_start(h, &x, err));
    while (!x.ended)
        if (http_wait(h, HTTP_ANY, err) < 0)
            http_cancel(&x);
    *reply = x.reply;
    if (x.failure.code == ERR_NONE)
        return 0;
    err_set(err, x.failure.code, "%s", x.failure.text);
    return -1;
}

void http_reply_release(struct http_reply *r)
{
    buf_release(&r->body);
    *r = (struct http_reply){0};
}

void http_exchange_release(struct http_exchange *x)
{
    http_reply_release(&x->reply);
}

void http_escape(struct buf *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (isalnum((unsigned char)*c) || strchr("-._~", *c))
            buf_char(out, *c);
        else
            buf_printf(out, "%%%02X", (unsigned char)*c);
    }
}

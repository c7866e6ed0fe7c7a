#include "serve/http_server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { HEAD_MAX = 64 << 10, BODY_MAX = 64 << 20, OUT_MAX = 256 << 20, OUT_HIGH = 256 << 10, READ = 64 << 10, EVENTS = 64 };
static const int64_t NEVER = INT64_MAX;

struct conn {
    int fd;
    struct buf in, out;
    size_t out_at;        /* bytes of `out` that are written */
    struct http_answer answer;
    bool answering, streaming, ended; /* ended: all of the answer is in `out` */
    bool closing;         /* close when `out` is written */
    bool watches_out;
    int64_t due;          /* when the answer goes on */
    struct conn *next;
};

struct http_server {
    int listener, epoll, wake, timer, port;
    http_handler handler;
    void *arg;
    struct conn *conns;
    bool stopped;
};

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static const char *reason(int status)
{
    switch (status) {
    case 200: return "OK";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 413: return "Content Too Large";
    case 503: return "Service Unavailable";
    default: return "Error";
    }
}

static void write_head(struct conn *c)
{
    struct http_answer *a = &c->answer;
    buf_printf(&c->out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n", a->status, reason(a->status), a->content_type);
    if (a->location)
        buf_printf(&c->out, "Location: %s\r\n", a->location);
    if (!a->next)
        buf_printf(&c->out, "Content-Length: %zu\r\n\r\n", a->body.len);
    else if (a->until_close)
        buf_str(&c->out, "Connection: close\r\n\r\n");
    else
        buf_str(&c->out, "Transfer-Encoding: chunked\r\n\r\n");
}

static void release_answer(struct conn *c)
{
    if (c->answer.release)
        c->answer.release(c->answer.talk);
    buf_release(&c->answer.body);
    c->answer = (struct http_answer){0};
    c->answering = c->streaming = c->ended = false;
    c->due = NEVER;
}

/* One more piece of a streamed answer into `out`. */
static void add_piece(struct conn *c)
{
    struct buf piece = BUF_INIT(OUT_MAX);
    int64_t due = c->due;
    enum http_next rc = c->answer.next(c->answer.talk, &piece, &due);
    if (piece.len && !c->answer.until_close)
        buf_printf(&c->out, "%zx\r\n", piece.len);
    buf_add(&c->out, piece.data ? piece.data : "", piece.len);
    if (piece.len && !c->answer.until_close)
        buf_str(&c->out, "\r\n");
    buf_release(&piece);
    c->due = due;
    if (rc == HTTP_NEXT_MORE && !c->out.failed)
        return;
    c->ended = true;
    if (rc == HTTP_NEXT_END && !c->answer.until_close)
        buf_str(&c->out, "0\r\n\r\n");
    else
        c->closing = true;
}

/* Sends what can be sent. -1: the peer is gone. */
static int flush(struct conn *c)
{
    while (c->out_at < c->out.len) {
        ssize_t n = send(c->fd, c->out.data + c->out_at, c->out.len - c->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
        c->out_at += (size_t)n;
    }
    buf_clear(&c->out);
    c->out_at = 0;
    return 0;
}

/* Takes the answer as far as time and the peer allow. -1: this connection is over. */
static int advance(struct conn *c)
{
    while (c->answering) {
        if (clock_ns() < c->due)
            return flush(c);
        if (!c->streaming) {
            write_head(c);
            buf_add(&c->out, c->answer.body.data ? c->answer.body.data : "", c->answer.body.len);
            c->streaming = c->answer.next != NULL;
            c->ended = !c->streaming;
        } else if (!c->ended && c->out.len - c->out_at < OUT_HIGH) {
            add_piece(c);
        }
        if (flush(c) < 0)
            return -1;
        if (c->out.len > c->out_at && (c->ended || c->out.len - c->out_at >= OUT_HIGH))
            return 0; /* the peer must read first */
        if (c->ended) {
            if (c->closing)
                return -1;
            release_answer(c);
        }
    }
    return 0;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static const char *header(const char *head, const char *name, size_t *len)
{
    for (const char *line = strstr(head, "\r\n"); line && line[2]; line = strstr(line + 2, "\r\n")) {
        const char *at = line + 2;
        size_t n = strlen(name);
        if (strncasecmp(at, name, n) != 0 || at[n] != ':')
            continue;
        at += n + 1;
        at += strspn(at, " \t");
        *len = strcspn(at, "\r\n");
        return at;
    }
    *len = 0;
    return "";
}

static void refuse(struct conn *c, int status)
{
    c->answer = (struct http_answer){.status = status, .content_type = "text/plain", .body = BUF_INIT(64)};
    c->answering = true;
    c->closing = true;
    c->due = 0;
}

/* A whole request is in c->in: its head is cut into words, its body is behind it. */
static void serve(struct http_server *s, struct conn *c, size_t n_head, size_t n_body)
{
    char *head = c->in.data, authorization[1024], after = head[n_head + n_body];
    size_t len;
    const char *value = header(head, "authorization", &len);
    snprintf(authorization, sizeof authorization, "%.*s", (int)(len < 1000 ? len : 1000), value);
    value = header(head, "connection", &len);
    bool closes = len == 5 && strncasecmp(value, "close", 5) == 0;
    char *method = head, *path = strchr(head, ' ');
    if (path)
        *path++ = '\0';
    char *stop = path ? strpbrk(path, " ?\r") : NULL;
    if (!stop) {
        refuse(c, 400);
        return;
    }
    *stop = '\0';
    head[n_head + n_body] = '\0';
    struct http_call call = {.method = method, .path = path, .authorization = authorization, .body = head + n_head,
                             .body_len = n_body};
    c->answer = (struct http_answer){.status = 200, .content_type = "application/json", .body = BUF_INIT(OUT_MAX)};
    s->handler(s->arg, &call, &c->answer);
    head[n_head + n_body] = after;
    c->answering = true;
    c->closing = closes;
    c->due = c->answer.due;
    memmove(head, head + n_head + n_body, c->in.len - n_head - n_body);
    c->in.len -= n_head + n_body;
}

/* Answers a request if a whole one is there. */
static void look(struct http_server *s, struct conn *c)
{
    if (c->answering || c->in.len == 0)
        return;
    char *end = memmem(c->in.data, c->in.len, "\r\n\r\n", 4);
    if (!end) {
        if (c->in.len > HEAD_MAX)
            refuse(c, 413);
        return;
    }
    size_t n_head = (size_t)(end - c->in.data) + 4, len;
    end[2] = '\0'; /* headers end here for `header` */
    const char *value = header(c->in.data, "content-length", &len);
    char *rest;
    unsigned long long n_body = len ? strtoull(value, &rest, 10) : 0;
    header(c->in.data, "transfer-encoding", &len);
    end[2] = '\r';
    if (len > 0 || n_body > BODY_MAX)
        refuse(c, len > 0 ? 400 : 413);
    else if (c->in.len - n_head >= n_body) {
        end[2] = '\0';
        serve(s, c, n_head, n_body);
    }
}

static int take(struct http_server *s, struct conn *c)
{
    char *room = buf_room(&c->in, READ);
    if (!room)
        return -1;
    ssize_t n = recv(c->fd, room, READ, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        return -1;
    if (n > 0) {
        c->in.len += (size_t)n;
        c->in.data[c->in.len] = '\0';
        look(s, c);
    }
    return 0;
}

/* ---- connections and the loop ----------------------------------------------------------------------------------- */

static void drop(struct http_server *s, struct conn *c)
{
    for (struct conn **at = &s->conns; *at; at = &(*at)->next)
        if (*at == c) {
            *at = c->next;
            break;
        }
    release_answer(c);
    close(c->fd);
    buf_release(&c->in);
    buf_release(&c->out);
    free(c);
}

static void accept_all(struct http_server *s)
{
    int fd, on = 1;
    while ((fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct conn *c = mem_zalloc(1, sizeof *c, NULL);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
        if (!c || epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) < 0) {
            free(c);
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* each event is a segment of its own */
        *c = (struct conn){.fd = fd, .due = NEVER, .next = s->conns};
        buf_init(&c->in, HEAD_MAX + (size_t)BODY_MAX + READ);
        buf_init(&c->out, OUT_MAX);
        s->conns = c;
    }
}

/* Goes on with a connection; drops it when it is over. */
static void tend(struct http_server *s, struct conn *c)
{
    int rc = advance(c);
    while (rc == 0 && !c->answering && c->in.len > 0) { /* the next request was there already */
        look(s, c);
        if (!c->answering)
            break;
        rc = advance(c);
    }
    bool wants_out = c->out.len > c->out_at;
    if (rc == 0 && wants_out != c->watches_out) {
        struct epoll_event e = {.events = EPOLLIN | (wants_out ? EPOLLOUT : 0u), .data.ptr = c};
        c->watches_out = wants_out;
        rc = epoll_ctl(s->epoll, EPOLL_CTL_MOD, c->fd, &e);
    }
    if (rc < 0)
        drop(s, c);
}

static void tend_all(struct http_server *s)
{
    struct conn *next;
    for (struct conn *c = s->conns; c; c = next) {
        next = c->next;
        if (c->answering && clock_ns() >= c->due)
            tend(s, c);
    }
}

/* The nearest time at which an answer goes on by itself; one that waits for its peer is woken by the peer. */
static void set_timer(struct http_server *s)
{
    int64_t at = NEVER;
    for (struct conn *c = s->conns; c; c = c->next)
        if (c->answering && c->out.len == c->out_at && c->due < at)
            at = c->due;
    struct itimerspec t = {0};
    if (at != NEVER) {
        at = at > 0 ? at : 1;
        t.it_value = (struct timespec){.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000};
    }
    timerfd_settime(s->timer, TFD_TIMER_ABSTIME, &t, NULL);
}

int http_server_run(struct http_server *s, struct err *err)
{
    struct epoll_event events[EVENTS];
    while (!s->stopped) {
        set_timer(s);
        int n = epoll_wait(s->epoll, events, EVENTS, -1);
        if (n < 0 && errno != EINTR)
            return err_set_errno(err, errno, "the server cannot wait");
        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;
            uint64_t drain;
            if ((void *)c == &s->listener)
                accept_all(s);
            else if ((void *)c == &s->wake)
                s->stopped = true;
            else if ((void *)c == &s->timer)
                (void)!read(s->timer, &drain, sizeof drain);
            else if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && take(s, c) < 0)
                drop(s, c);
            else
                tend(s, c);
        }
        tend_all(s);
    }
    return 0;
}

static int listen_on(struct http_server *s, int port, struct err *err)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int on = 1;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->listener < 0)
        return err_set_errno(err, errno, "no socket");
    setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(s->listener, (struct sockaddr *)&at, sizeof at) < 0 || listen(s->listener, 4096) < 0 ||
        getsockname(s->listener, (struct sockaddr *)&at, &len) < 0)
        return err_set_errno(err, errno, "cannot listen on 127.0.0.1:%d", port);
    s->port = ntohs(at.sin_port);
    return 0;
}

int http_server_open(struct http_server **out, int port, http_handler handler, void *arg, struct err *err)
{
    struct http_server *s = mem_zalloc(1, sizeof *s, err);
    if (!s)
        return -1;
    *s = (struct http_server){.listener = -1, .handler = handler, .arg = arg};
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    struct { int *fd; } watched[] = {{&s->listener}, {&s->wake}, {&s->timer}};
    int rc = listen_on(s, port, err);
    for (size_t i = 0; i < 3 && rc == 0; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = watched[i].fd};
        if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, *watched[i].fd, &e) < 0)
            rc = err_set_errno(err, errno, "the server cannot wait");
    }
    if (rc < 0) {
        http_server_close(s);
        return -1;
    }
    *out = s;
    return 0;
}

int http_server_port(const struct http_server *s)
{
    return s->port;
}

void http_server_stop(struct http_server *s)
{
    uint64_t one = 1;
    (void)!write(s->wake, &one, sizeof one);
}

void http_server_close(struct http_server *s)
{
    if (!s)
        return;
    while (s->conns)
        drop(s, s->conns);
    int fds[] = {s->listener, s->epoll, s->wake, s->timer};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free(s);
}

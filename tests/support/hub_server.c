#include "support/hub_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hash.h"
#include "support/testing.h"

struct file {
    char name[256], digest[65];
    char *bytes;
    size_t len;
    bool large;
};

struct hub_server {
    int listener, wake[2], port;
    pthread_t thread;
    pthread_mutex_t serving; /* held from a connection's beginning to the last byte sent */
    char url[64];
    struct file files[32];
    size_t n;
    struct hub_faults faults;
    struct hub_requests requests;
};

static void send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        bytes += n;
        len -= (size_t)n;
    }
}

static void answer(int fd, int status, const char *headers, const char *body, size_t len)
{
    struct buf b = BUF_INIT(1 << 26);
    buf_printf(&b, "HTTP/1.1 %d Some\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n", status, len, headers);
    send_all(fd, b.data, b.len);
    send_all(fd, body, len);
    buf_release(&b);
}

static void refuse(struct hub_server *s, int fd, int status)
{
    char headers[512] = "";
    if (s->faults.reason)
        snprintf(headers, sizeof headers, "X-Error-Code: %s\r\nX-Error-Message: %s\r\n", s->faults.reason,
                 s->faults.text ? s->faults.text : "");
    answer(fd, status, headers, "refused", 7);
}

static void send_listing(struct hub_server *s, int fd)
{
    struct buf b = BUF_INIT(1 << 20);
    s->requests.listings++;
    if (s->faults.listing_status) {
        refuse(s, fd, s->faults.listing_status);
        return;
    }
    buf_str(&b, "{\"sha\":\"0123456789abcdef0123456789abcdef01234567\",\"siblings\":[");
    for (size_t i = 0; i < s->n; i++) {
        const struct file *f = &s->files[i];
        buf_printf(&b, "%s{\"rfilename\":\"%s\",\"size\":%zu,\"blobId\":\"%.40s\"", i ? "," : "", f->name, f->len, f->digest);
        if (f->large)
            buf_printf(&b, ",\"lfs\":{\"sha256\":\"%s\",\"size\":%zu,\"pointerSize\":130}", f->digest, f->len);
        buf_char(&b, '}');
    }
    buf_str(&b, "]}");
    if (s->faults.listing)
        answer(fd, 200, "", s->faults.listing, strlen(s->faults.listing));
    else
        answer(fd, 200, "Content-Type: application/json\r\n", b.data, b.len);
    buf_release(&b);
}

static void send_file(struct hub_server *s, int fd, const char *name, const char *request)
{
    const struct file *f = NULL;
    char headers[256] = "", *copy;
    unsigned long long from = 0;
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->files[i].name, name) == 0)
            f = &s->files[i];
    s->requests.files++;
    s->requests.token_to_storage |= strstr(request, "Authorization") != NULL;
    if (!f) {
        refuse(s, fd, 404);
        return;
    }
    const char *range = strstr(request, "Range: bytes=");
    int status = 200;
    if (range && !s->faults.no_ranges && sscanf(range, "Range: bytes=%llu-", &from) == 1) {
        s->requests.ranges++;
        status = 206;
        if (s->faults.wrong_range)
            from = 0;
        snprintf(headers, sizeof headers, "Content-Range: bytes %llu-%zu/%zu\r\n", from, f->len - 1, f->len);
    }
    copy = malloc(f->len + 1);
    memcpy(copy, f->bytes, f->len);
    if (s->faults.wrong_bytes && f->len > 0)
        copy[0] ^= 1;
    size_t len = f->len - (size_t)from, part = len;
    struct buf b = BUF_INIT(1 << 16);
    buf_printf(&b, "HTTP/1.1 %d Some\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n", status, len, headers);
    if (s->faults.drops > 0 && s->faults.drop_after > 0) {
        s->faults.drops--;
        part = (size_t)s->faults.drop_after < len ? (size_t)s->faults.drop_after : len;
    }
    send_all(fd, b.data, b.len);
    send_all(fd, copy + from, part);
    s->requests.file_bytes += (long)part;
    buf_release(&b);
    free(copy);
}

static void serve(struct hub_server *s, int fd)
{
    char request[8192], path[2048], location[4096];
    size_t len = 0;
    while (len + 1 < sizeof request) {
        ssize_t n = recv(fd, request + len, sizeof request - 1 - len, 0);
        if (n <= 0)
            return;
        len += (size_t)n;
        request[len] = '\0';
        if (strstr(request, "\r\n\r\n"))
            break;
    }
    if (sscanf(request, "GET %2047s", path) != 1)
        return;
    s->requests.all++;
    if (s->faults.busy > 0) {
        s->faults.busy--;
        answer(fd, 429, "Retry-After: 0\r\n", "busy", 4);
        return;
    }
    char *storage = strstr(path, "/storage/"), *resolve = strstr(path, "/resolve/");
    if (storage) {
        send_file(s, fd, storage + strlen("/storage/"), request);
        return;
    }
    if (s->faults.token) {
        char want[256];
        snprintf(want, sizeof want, "Authorization: Bearer %s\r\n", s->faults.token);
        if (!strstr(request, want)) {
            refuse(s, fd, 401);
            return;
        }
    }
    if (strncmp(path, "/api/models/", 12) == 0) {
        send_listing(s, fd);
    } else if (resolve && s->faults.file_status) {
        refuse(s, fd, s->faults.file_status);
    } else if (resolve) {
        const char *name = strchr(resolve + strlen("/resolve/"), '/') + 1;
        if (s->faults.endless_redirect)
            snprintf(location, sizeof location, "Location: %s\r\n", path);
        else
            snprintf(location, sizeof location, "Location: http://localhost:%d/storage/%s\r\n", s->port, name);
        answer(fd, 302, location, "", 0);
    } else {
        refuse(s, fd, 404);
    }
}

static void *run(void *arg)
{
    struct hub_server *s = arg;
    for (;;) {
        struct pollfd fds[2] = {{.fd = s->listener, .events = POLLIN}, {.fd = s->wake[0], .events = POLLIN}};
        if (poll(fds, 2, -1) < 0 || fds[1].revents)
            return NULL;
        int fd = accept(s->listener, NULL, NULL);
        if (fd < 0)
            continue;
        pthread_mutex_lock(&s->serving);
        serve(s, fd);
        pthread_mutex_unlock(&s->serving);
        shutdown(fd, SHUT_WR);
        char rest[256];
        while (recv(fd, rest, sizeof rest, 0) > 0) /* a reset would lose what is on its way */
            ;
        close(fd);
    }
}

struct hub_server *hub_server_start(void)
{
    struct hub_server *s = calloc(1, sizeof *s);
    pthread_mutex_init(&s->serving, NULL);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(s->listener >= 0);
    assert_int_equal(bind(s->listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(s->listener, 16), 0);
    assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(pipe(s->wake), 0);
    s->port = ntohs(at.sin_port);
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d", s->port);
    assert_int_equal(pthread_create(&s->thread, NULL, run, s), 0);
    return s;
}

void hub_server_stop(struct hub_server *s)
{
    assert_int_equal(write(s->wake[1], "x", 1), 1);
    pthread_join(s->thread, NULL);
    close(s->listener);
    close(s->wake[0]);
    close(s->wake[1]);
    hub_server_clear(s);
    pthread_mutex_destroy(&s->serving);
    free(s);
}

const char *hub_server_url(const struct hub_server *s)
{
    return s->url;
}

void hub_server_rest(struct hub_server *s)
{
    pthread_mutex_lock(&s->serving);
    pthread_mutex_unlock(&s->serving);
}

struct hub_faults *hub_server_faults(struct hub_server *s)
{
    hub_server_rest(s);
    return &s->faults;
}

struct hub_requests *hub_server_requests(struct hub_server *s)
{
    hub_server_rest(s);
    return &s->requests;
}

void hub_server_put(struct hub_server *s, const char *name, const char *bytes, size_t len, bool large)
{
    struct err err = ERR_INIT;
    struct file *f = &s->files[s->n++];
    assert_true(s->n <= sizeof s->files / sizeof *s->files);
    snprintf(f->name, sizeof f->name, "%s", name);
    f->bytes = malloc(len + 1);
    memcpy(f->bytes, bytes, len);
    f->len = len;
    f->large = large;
    char path[512];
    snprintf(path, sizeof path, "%s/served", test_dir());
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, len, out), len);
    assert_int_equal(fclose(out), 0);
    if (large)
        assert_ok(sha256_file(f->digest, path, NULL, NULL, &err));
    else
        assert_ok(git_blob_file(f->digest, path, &err));
}

void hub_server_clear(struct hub_server *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->files[i].bytes);
    s->n = 0;
}

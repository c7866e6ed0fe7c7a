#include "base/download.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/build.h"
#include "base/file.h"

enum {
    TRIES = 5,           /* in a row without a byte */
    LONGEST_WAIT_S = 60, /* however long a server asks for */
    SILENCE_S = 60,
};

/* One request, from its first header to its last byte. */
struct transfer {
    CURL *curl;
    struct http_answer *answer;
    const char *url;
    long retry_after; /* seconds; -1: not said */
    uint64_t range_from; /* of a 206 */
    bool ranged;
    /* Where bytes go: a file, or a text. */
    const struct download *file;
    int fd;
    uint64_t done;
    struct buf *out;
    size_t max;
    struct err *err; /* set when our own side fails: that is not tried again */
    bool failed;
};

static bool header_is(const char *line, size_t len, const char *name, char *value, size_t size)
{
    size_t n = strlen(name);
    if (len <= n || line[n] != ':' || strncasecmp(line, name, n) != 0)
        return false;
    line += n + 1;
    len -= n + 1;
    while (len > 0 && (*line == ' ' || *line == '\t')) {
        line++;
        len--;
    }
    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n' || line[len - 1] == ' '))
        len--;
    snprintf(value, size, "%.*s", (int)(len < size ? len : size - 1), line);
    return true;
}

static size_t on_header(char *line, size_t size, size_t n, void *user)
{
    struct transfer *t = user;
    size_t len = size * n;
    char value[256];
    if (len > 5 && memcmp(line, "HTTP/", 5) == 0) { /* of a redirection, then of what it leads to */
        t->ranged = false;
        t->retry_after = -1;
        t->answer->reason[0] = t->answer->text[0] = '\0';
    } else if (header_is(line, len, "Retry-After", value, sizeof value)) {
        char *end;
        long seconds = strtol(value, &end, 10);
        t->retry_after = end != value && seconds >= 0 ? seconds : -1;
    } else if (header_is(line, len, "Content-Range", value, sizeof value)) {
        unsigned long long from;
        t->ranged = sscanf(value, "bytes %llu-", &from) == 1;
        t->range_from = t->ranged ? from : 0;
    } else if (header_is(line, len, "X-Error-Code", value, sizeof value)) {
        snprintf(t->answer->reason, sizeof t->answer->reason, "%.63s", value);
    } else if (header_is(line, len, "X-Error-Message", value, sizeof value)) {
        snprintf(t->answer->text, sizeof t->answer->text, "%s", value);
    }
    return len;
}

/* The beginning that lies there cannot be gone on with: the server sends the whole file. */
static int start_over(struct transfer *t)
{
    t->done = 0;
    return ftruncate(t->fd, 0) < 0 || lseek(t->fd, 0, SEEK_SET) < 0 ? -1 : 0;
}

/* The first bytes of an answer: curl has told its status by now. */
static int begin_body(struct transfer *t)
{
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &t->answer->status);
    if (!t->file)
        return 0;
    if (t->answer->status == 200 && t->done > 0 && start_over(t) < 0)
        return err_set_errno(t->err, errno, "cannot write '%s'", t->file->path);
    if (t->answer->status == 206 && (!t->ranged || t->range_from != t->done))
        return err_set(t->err, ERR_INPUT, "'%s': asked for bytes from %llu, the server sends others", t->url,
                       (unsigned long long)t->done);
    return 0;
}

static int take_bytes(struct transfer *t, const char *bytes, size_t len)
{
    if (t->answer->status != 200 && t->answer->status != 206)
        return 0; /* the page that goes with an error */
    if (t->out) {
        if (t->out->len + len > t->max)
            return err_set(t->err, ERR_INPUT, "'%s': more than %zu bytes", t->url, t->max);
        buf_add(t->out, bytes, len);
        return 0;
    }
    const struct download *d = t->file;
    if (d->size && t->done + len > d->size)
        return err_set(t->err, ERR_INPUT, "'%s': more than the %llu bytes that it should have", t->url,
                       (unsigned long long)d->size);
    if (file_write_all(t->fd, bytes, len) < 0)
        return err_set_errno(t->err, errno, "cannot write '%s'", d->path);
    t->done += len;
    if (d->tick)
        d->tick(d->arg, t->done);
    return 0;
}

static size_t on_bytes(char *bytes, size_t size, size_t n, void *user)
{
    struct transfer *t = user;
    if ((t->answer->status == 0 && begin_body(t) < 0) || take_bytes(t, bytes, size * n) < 0) {
        t->failed = true;
        return 0;
    }
    return size * n;
}

static int on_progress(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct transfer *t = user;
    (void)a, (void)b, (void)c, (void)d;
    return t->file && t->file->interrupted && *t->file->interrupted;
}

/* One try. 0 an answer came whole, 1 worth another try, -1 not. */
static int request(struct transfer *t, const char *url, const char *token, struct err *err)
{
    CURL *curl = curl_easy_init();
    if (!curl)
        return err_set(err, ERR_MEMORY, "libcurl cannot start");
    char agent[64], range[32], why[CURL_ERROR_SIZE] = "";
    bool secure = strncasecmp(url, "https:", 6) == 0;
    t->answer->status = 0;
    t->curl = curl;
    snprintf(agent, sizeof agent, "prony/%s", build_version());
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 8L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, agent);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 20L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SILENCE_S);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
    if (token) { /* curl forgets it when a redirection leads to another host */
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, token);
    }
    if (t->file && t->done > 0) {
        snprintf(range, sizeof range, "%llu-", (unsigned long long)t->done);
        curl_easy_setopt(curl, CURLOPT_RANGE, range);
    }
    CURLcode rc = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &t->answer->status);
    curl_easy_cleanup(curl);
    if (t->failed)
        return -1;
    if (rc == CURLE_ABORTED_BY_CALLBACK)
        return err_set(err, ERR_INTERRUPTED, "interrupted");
    if (rc == CURLE_URL_MALFORMAT || rc == CURLE_UNSUPPORTED_PROTOCOL || rc == CURLE_PEER_FAILED_VERIFICATION ||
        rc == CURLE_TOO_MANY_REDIRECTS || rc == CURLE_COULDNT_RESOLVE_HOST)
        return err_set(err, ERR_IO, "'%s': %s", url, why[0] ? why : curl_easy_strerror(rc));
    if (rc != CURLE_OK) {
        err_set(err, ERR_IO, "'%s': %s", url, why[0] ? why : curl_easy_strerror(rc));
        return 1;
    }
    return t->answer->status == 429 || t->answer->status >= 500;
}

static int wait_for(double seconds, const volatile sig_atomic_t *interrupted, struct err *err)
{
    for (; seconds > 0; seconds -= 0.1) {
        if (interrupted && *interrupted)
            return err_set(err, ERR_INTERRUPTED, "interrupted");
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    return 0;
}

/* Tries until an answer comes that another try would not better. */
static int persist(struct transfer *t, const char *url, const char *token, struct err *err)
{
    double pause = 0.5;
    for (int tries = 1;; tries++) {
        struct err why = ERR_INIT;
        uint64_t before = t->done;
        size_t text = t->out ? t->out->len : 0;
        t->err = &why;
        int rc = request(t, url, token, &why);
        if (rc == 0 && t->file && (t->answer->status == 200 || t->answer->status == 206) && t->file->size &&
            t->done < t->file->size) {
            err_set(&why, ERR_IO, "'%s': the connection ended after %llu of %llu bytes", url, (unsigned long long)t->done,
                    (unsigned long long)t->file->size);
            rc = 1;
        }
        if (rc == 0)
            return 0;
        if (t->done > before) { /* it moves: that is no reason to give up */
            tries = 0;
            pause = 0;
        }
        if (rc < 0 || tries >= TRIES) {
            if (rc > 0 && why.code == ERR_NONE)
                return 0; /* the last answer stands: 429 or 5xx */
            if (err)
                *err = why;
            return rc > 0 ? err_hint(err, "tried %d times", TRIES) : -1;
        }
        if (t->out)
            t->out->len = text;
        double wait = t->retry_after >= 0 && why.code == ERR_NONE ? (double)t->retry_after : pause;
        TRY(wait_for(wait < LONGEST_WAIT_S ? wait : LONGEST_WAIT_S, t->file ? t->file->interrupted : NULL, err));
        pause = pause > 0 ? pause * 2 : 0.5;
    }
}

int download_text(struct http_answer *answer, struct buf *out, const char *url, const char *token, size_t max, struct err *err)
{
    *answer = (struct http_answer){0};
    struct transfer t = {.answer = answer, .url = url, .out = out, .max = max, .retry_after = -1, .fd = -1};
    TRY(persist(&t, url, token, err));
    return buf_check(out, err);
}

int download_file(struct http_answer *answer, const struct download *d, struct err *err)
{
    *answer = (struct http_answer){0};
    struct stat st;
    struct transfer t = {.answer = answer, .url = d->url, .file = d, .retry_after = -1};
    t.fd = open(d->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (t.fd < 0 || fstat(t.fd, &st) < 0) {
        err_set_errno(err, errno, "cannot write '%s'", d->path);
        if (t.fd >= 0)
            close(t.fd);
        return -1;
    }
    int rc = 0;
    t.done = (uint64_t)st.st_size;
    if (d->size && t.done > d->size)
        rc = start_over(&t);
    else
        rc = lseek(t.fd, 0, SEEK_END) < 0 ? -1 : 0;
    if (rc < 0)
        err_set_errno(err, errno, "cannot write '%s'", d->path);
    else if (d->size && t.done == d->size)
        answer->status = 200;
    else
        rc = persist(&t, d->url, d->token, err);
    if (rc == 0 && fsync(t.fd) < 0)
        rc = err_set_errno(err, errno, "cannot write '%s'", d->path);
    if (close(t.fd) < 0 && rc == 0)
        rc = err_set_errno(err, errno, "cannot write '%s'", d->path);
    return rc;
}

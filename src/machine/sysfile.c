#include "machine/sysfile.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool sysfile_text(char *out, size_t size, const char *root, const char *path)
{
    char full[512];
    size_t len = 0;
    out[0] = '\0';
    if ((size_t)snprintf(full, sizeof full, "%s%s", root ? root : "", path) >= sizeof full)
        return false;
    int fd = open(full, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    for (;;) {
        ssize_t n = read(fd, out + len, size - 1 - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) { /* some files of /sys open and then refuse */
            close(fd);
            out[0] = '\0';
            return false;
        }
        len += (size_t)n;
        if (n == 0 || len == size - 1)
            break;
    }
    close(fd);
    while (len > 0 && isspace((unsigned char)out[len - 1]))
        len--;
    out[len] = '\0';
    return true;
}

bool sysfile_int(int64_t *out, const char *root, const char *path)
{
    char text[64], *end;
    if (!sysfile_text(text, sizeof text, root, path) || !text[0])
        return false;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (errno || *end)
        return false;
    *out = v;
    return true;
}

bool sysfile_field(char *out, size_t size, const char *text, const char *key)
{
    size_t key_len = strlen(key);
    for (const char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        if (strncmp(line, key, key_len) != 0)
            continue;
        const char *p = line + key_len;
        if (*p != ':' && *p != ' ' && *p != '\t')
            continue; /* a longer key */
        while (*p == ':' || *p == ' ' || *p == '\t')
            p++;
        snprintf(out, size, "%.*s", (int)strcspn(p, "\n"), p);
        return true;
    }
    return false;
}

json_t *fact_text(const char *root, const char *path)
{
    char text[4096];
    json_t *v = sysfile_text(text, sizeof text, root, path) ? json_string(text) : json_null();
    return v ? v : json_null(); /* bytes that are not UTF-8 */
}

json_t *fact_int(const char *root, const char *path)
{
    int64_t v;
    return sysfile_int(&v, root, path) ? json_integer(v) : json_null();
}

json_t *fact_field(const char *text, const char *key)
{
    char value[4096];
    json_t *v = sysfile_field(value, sizeof value, text, key) ? json_string(value) : json_null();
    return v ? v : json_null();
}

json_t *fact_field_number(const char *text, const char *key, double scale)
{
    char value[128], *end;
    if (!sysfile_field(value, sizeof value, text, key))
        return json_null();
    double v = strtod(value, &end);
    return end == value ? json_null() : json_real(v * scale);
}

#include "cli/terminal_style.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool locale_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value && *value) /* the first that is set decides */
            return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
    }
    return false;
}

void terminal_style(struct report_style *style)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS"), *term = getenv("TERM"), *plain = getenv("NO_COLOR");
    bool tty = isatty(STDOUT_FILENO);
    *style = (struct report_style){.unicode = locale_is_utf8()};
    if (tty && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        style->width = size.ws_col;
    if (columns && atoi(columns) > 0)
        style->width = (size_t)atoi(columns);
    style->color = tty && !(plain && *plain) && term && strcmp(term, "dumb") != 0;
}

#include "cli/terminal_style.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/str.h"

void terminal_style(struct report_style *style)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS"), *term = getenv("TERM"), *plain = getenv("NO_COLOR");
    bool tty = isatty(STDOUT_FILENO);
    *style = (struct report_style){.unicode = utf8_locale()};
    if (tty && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        style->width = size.ws_col;
    if (columns && atoi(columns) > 0)
        style->width = (size_t)atoi(columns);
    style->color = tty && !(plain && *plain) && term && strcmp(term, "dumb") != 0;
}

/* terminal_style.h - what standard output can show. */
#ifndef CLI_TERMINAL_STYLE_H
#define CLI_TERMINAL_STYLE_H

#include "report/format.h"

/* Width only for a terminal (COLUMNS overrides), Unicode by the locale's name, colour for a terminal without NO_COLOR. */
void terminal_style(struct report_style *style);

#endif

#include "cli/interrupt.h"

#include <stddef.h>

volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

void interrupt_catch(void)
{
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND}; /* not SA_RESTART: reads must end */
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
}

/* interrupt.h - Ctrl-C and SIGTERM as a flag that is looked at. The second one ends the program as ever. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <signal.h>

/* Set from the first signal on. */
extern volatile sig_atomic_t interrupted;
void interrupt_catch(void);

#endif

/* alloc_fail.h - running out of memory, everywhere once.
 *
 *     static int attempt(void *arg, struct err *err) { open, use, close; return 0 or -1; }
 *     assert_survives_out_of_memory(attempt, arg);
 *
 * Runs `attempt` with its 1st allocation failing, then its 2nd, and so on until one run reaches no failure. Each failed run
 * must return -1 with ERR_MEMORY and, as the sanitizers check, leak nothing. A run that succeeds although an allocation
 * failed is a failure too: something was swallowed. Allocations counted: all through base/mem.h, and jansson's; of the
 * latter only leaks are checked, because jansson reports some as bad input and its lexer overlooks others.
 */
#ifndef SUPPORT_ALLOC_FAIL_H
#define SUPPORT_ALLOC_FAIL_H

#include "base/err.h"

/* Returns how many allocations a run makes. */
long assert_survives_out_of_memory(int (*attempt)(void *arg, struct err *err), void *arg);

#endif

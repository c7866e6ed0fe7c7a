/* testing.h - what every cmocka test includes: cmocka in the right order, and helpers around struct err and folders. */
#ifndef SUPPORT_TESTING_H
#define SUPPORT_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"

/* Under the thread sanitizer all takes some twenty times longer: a test of one thread may do a part of its work there. */
#if defined(__SANITIZE_THREAD__)
enum { UNDER_TSAN = 1 };
#else
enum { UNDER_TSAN = 0 };
#endif

/* The call succeeds; its error text is shown if not. Uses a variable `err` of the test. */
#define assert_ok(call)                                                                              \
    do {                                                                                             \
        struct err *e_ = &err;                                                                       \
        err_clear(e_);                                                                               \
        if ((call) < 0)                                                                              \
            fail_msg("%s: %s (%s) hint: %s", #call, e_->text, err_code_name(e_->code), e_->hint);     \
    } while (0)

/* The call fails with this code, and its text holds this part. */
#define assert_err(call, wanted_code, part)                                                          \
    do {                                                                                             \
        struct err *e_ = &err;                                                                       \
        err_clear(e_);                                                                               \
        if ((call) >= 0)                                                                             \
            fail_msg("%s succeeded, expected an error with \"%s\"", #call, part);                    \
        if (e_->code != (wanted_code) || !strstr(e_->text, part))                                    \
            fail_msg("%s: %s (%s), expected %s with \"%s\"", #call, e_->text, err_code_name(e_->code), \
                     err_code_name(wanted_code), part);                                              \
    } while (0)

/* |got - want| <= tol * max(1, |want|); shows both. */
void assert_close(double got, double want, double tol, const char *what);

/* A fresh folder under $TMPDIR, removed with all in it when the process ends. The string lives as long. */
const char *test_dir(void);

#endif

#include "support/testing.h"

#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void assert_close(double got, double want, double tol, const char *what)
{
    double scale = fabs(want) > 1 ? fabs(want) : 1;
    if (isnan(got) != isnan(want) || (!isnan(want) && got != want && !(fabs(got - want) <= tol * scale)))
        fail_msg("%s: got %.17g, expected %.17g (tolerance %g)", what, got, want, tol);
}

static char dir[4096];
static pid_t owner;

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static void remove_dir(void)
{
    if (getpid() == owner) /* not in a forked child of the test */
        nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *test_dir(void)
{
    if (!dir[0]) {
        const char *tmp = getenv("TMPDIR");
        snprintf(dir, sizeof dir, "%s/prony-test-XXXXXX", tmp ? tmp : "/tmp");
        if (!mkdtemp(dir))
            fail_msg("mkdtemp failed");
        owner = getpid();
        atexit(remove_dir);
    }
    return dir;
}

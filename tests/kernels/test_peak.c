/* peaks: every set gives numbers that a machine can have. No claim on speed. */
#include "support/testing.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/peak.h"

static void peaks_are_possible(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct team *team;
    assert_ok(team_open(&team, 2, &err));
    for (size_t i = 0; i < kernels_count(); i++) {
        const struct kernel_set *k = kernels_at(i);
        struct peaks p;
        if (k->missing())
            continue;
        assert_ok(peaks_measure(&p, k, team, 0.05, &err));
        print_message("%s: read %.1f GB/s, f32 %.0f, bf16 %.0f, int8 %.0f G/s on %d threads\n", k->name, p.read_bytes / 1e9,
                      p.f32 / 1e9, p.bf16 / 1e9, p.int8 / 1e9, p.threads);
        assert_int_equal(p.threads, 2);
        assert_true(p.read_bytes > 1e6 && p.read_bytes < 1e13);
        assert_true(p.f32 > 1e5 && p.f32 < 1e14);
        /* how the kinds compare is a figure for docs/SPEED.md: a busy machine can slow down any one of them */
        assert_int_equal(p.bf16 > 0, strcmp(k->name, "avx512") == 0);
        assert_int_equal(p.int8 > 0, strcmp(k->name, "scalar") != 0);
    }
    team_close(team);
}

static void reading_ones_own_memory_takes_time(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct team *team;
    const struct kernel_set *k;
    size_t n = 8 << 20;
    char *p = malloc(n);
    assert_non_null(p);
    memset(p, 1, n);
    assert_ok(team_open(&team, 1, &err));
    assert_ok(kernels_choose(&k, NULL, &err));
    double seconds = peak_read_seconds(k, team, p + 1, n - 1); /* unaligned, and not whole pieces */
    assert_true(seconds > 1e-6 && seconds < 10);
    team_close(team);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peaks_are_possible),
        cmocka_unit_test(reading_ones_own_memory_takes_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

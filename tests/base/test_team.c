/* The team of threads: everything is run once, by everyone, and barriers hold. */
#include "base/team.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "support/testing.h"

struct count {
    atomic_int ran, inside, seen[1000];
    int size, bad_rank;
};

static void count_member(void *arg, int rank, int size)
{
    struct count *c = arg;
    atomic_fetch_add(&c->ran, 1 << (4 * (rank % 4)));
    if (size != c->size)
        c->bad_rank = 1;
}

static void count_piece(void *arg, int rank, size_t piece)
{
    struct count *c = arg;
    atomic_fetch_add(&c->inside, 1);
    if (rank < 0 || rank >= c->size)
        c->bad_rank = 1;
    atomic_fetch_add(&c->seen[piece], 1);
    atomic_fetch_sub(&c->inside, 1);
}

static void a_team_runs_everything_once(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct team *t = NULL;
    for (int size = 1; size <= 7; size++) {
        struct count c = {.size = size};
        assert_ok(team_open(&t, size, &err));
        assert_int_equal(team_size(t), size);
        for (int run = 1; run <= 200; run++) {
            const size_t n = (size_t)run * 5;
            atomic_store(&c.ran, 0);
            team_run(t, count_member, &c);
            team_each(t, n, count_piece, &c);
            team_each(t, 0, count_piece, &c);
            if (atomic_load(&c.inside) != 0)
                fail_msg("team of %d: somebody was still at work", size);
            for (size_t i = 0; i < 1000; i++) { /* piece i was there from run i/5 + 1 on */
                int expected = i < n ? run - (int)(i / 5) : 0;
                if (atomic_load(&c.seen[i]) != expected)
                    fail_msg("team of %d: piece %zu was done %d times, not %d", size, i, atomic_load(&c.seen[i]), expected);
            }
            int ran = 0;
            for (int rank = 0; rank < size; rank++)
                ran += 1 << (4 * (rank % 4));
            assert_int_equal(atomic_load(&c.ran), ran);
            if (run % 50 == 0)
                usleep(3000); /* members sleep by now */
        }
        assert_int_equal(c.bad_rank, 0);
        team_close(t);
    }
    assert_err(team_open(&t, -1, &err), ERR_USAGE, "-1 threads");
    assert_err(team_open(&t, TEAM_MAX + 1, &err), ERR_USAGE, "between 1 and");
    assert_true(team_processors() >= 1);
    team_close(NULL);
}

static void shares_cover_all_items_in_order(void **state)
{
    (void)state;
    for (size_t n = 0; n < 200; n += 7)
        for (size_t grain = 1; grain < 20; grain += 6)
            for (int size = 1; size < 9; size++) {
                size_t end = 0, from, to;
                for (int rank = 0; rank < size; rank++) {
                    team_share(n, grain, rank, size, &from, &to);
                    assert_int_equal(from, end);
                    assert_true(to >= from && (to % grain == 0 || to == n));
                    end = to;
                }
                assert_int_equal(end, n);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_team_runs_everything_once),
        cmocka_unit_test(shares_cover_all_items_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The team of threads: everything is run once, by everyone, and barriers hold. */
#include "base/team.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "support/testing.h"

struct count {
    struct team *team;
    atomic_int ran, seen[1000];
    int order_broken;
    atomic_int phase;
};

static void count_member(void *arg, int rank, int size)
{
    struct count *c = arg;
    atomic_fetch_add(&c->ran, 1 << (4 * (rank % 4)));
    for (size_t i; (i = team_next(c->team)) < 1000;)
        atomic_fetch_add(&c->seen[i], 1);
    atomic_fetch_add(&c->phase, 1);
    team_barrier(c->team);
    if (atomic_load(&c->phase) != size)
        c->order_broken = 1;
    for (size_t i; (i = team_next(c->team)) < 1000;)
        atomic_fetch_add(&c->seen[i], 1);
}

static void a_team_runs_everything_once(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    for (int size = 1; size <= 7; size++) {
        struct count c = {0};
        assert_ok(team_open(&c.team, size, &err));
        assert_int_equal(team_size(c.team), size);
        for (int run = 1; run <= 200; run++) {
            atomic_store(&c.phase, 0);
            atomic_store(&c.ran, 0);
            team_run(c.team, count_member, &c);
            for (int i = 0; i < 1000; i++)
                if (atomic_load(&c.seen[i]) != 2 * run)
                    fail_msg("team of %d: item %d was done %d times in %d runs", size, i, atomic_load(&c.seen[i]), run);
            int ran = 0;
            for (int rank = 0; rank < size; rank++)
                ran += 1 << (4 * (rank % 4));
            assert_int_equal(atomic_load(&c.ran), ran);
            if (run % 50 == 0)
                usleep(3000); /* members sleep by now */
        }
        assert_int_equal(c.order_broken, 0);
        team_close(c.team);
    }
    struct team *t = NULL;
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

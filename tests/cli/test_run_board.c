/* The board under the line of a run: what is counted, and medians of timed requests alone. */
#include <string.h>

#include "cli/run_board.h"
#include "support/testing.h"

static struct err err;

static void request(struct run_board *b, struct run_event *e, const char *phase, int prefill_ms)
{
    char record[256];
    snprintf(record, sizeof record, "{\"t\":\"request\",\"phase\":\"%s\",\"prefill_ns\":%d000000,\"decode_ns\":null,\"replies\":[]}", phase,
             prefill_ms);
    e->kind = RUN_REQUEST_DONE;
    e->record = record;
    run_board_event(b, e);
}

static void test_board(void **state)
{
    (void)state;
    json_t *params = json_pack("{si si}", "prompt_len", 64, "gen_len", 8);
    struct plan_cell cells[] = {{.engine = "native", .model = "m", .params = params, .launches = 1},
                                {.engine = "vllm", .model = "m", .params = params, .launches = 2},
                                {.engine = "mlc", .model = "m", .params = params, .why = {.code = ERR_MISSING}}};
    struct plan plan = {.cells = cells, .n_cells = 3};
    struct run_progress so_far = {.launches = 3};
    struct run_event e = {.so_far = &so_far, .cell = &cells[0]};
    struct run_board b;
    assert_ok(run_board_begin(&b, &plan, &err));
    assert_string_equal(run_board_text(&b), "cells: 0 done, 2 left, 1 not measured\n");
    request(&b, &e, "warmup", 999);
    for (int i = 0; i < 3; i++)
        request(&b, &e, "timed", 10 + i);
    e.kind = RUN_LAUNCH_ENDED;
    run_board_event(&b, &e);
    e.cell = &cells[1];
    request(&b, &e, "timed", 7);
    assert_string_equal(run_board_text(&b), "cells: 1 done, 1 left, 1 not measured\n"
                                            "  vllm m 64/8  prefill 7.000 ms  n=1\n"
                                            "  native m 64/8  prefill 11.0 [8.5, 13.5] ms  n=3\n");
    e.kind = RUN_CELL_FAILED;
    run_board_event(&b, &e);
    assert_non_null(strstr(run_board_text(&b), "cells: 1 done, 0 left, 2 not measured\n"));
    so_far = (struct run_progress){.launches = 3, .launches_done = 2, .samples_kept = 5}; /* taken up again */
    run_board_event(&b, &e);
    assert_non_null(strstr(run_board_text(&b), "launches: 2 done, 1 left; cells not measured: 2\n"));
    run_board_end(&b);
    json_decref(params);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_board)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

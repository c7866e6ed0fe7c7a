/* collate and query: tables and CSVs follow from the raw logs, whenever and however often they are collated. */
#include "support/testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/csv.h"
#include "base/file.h"
#include "store/collate.h"
#include "store/database.h"
#include "store/query.h"
#include "store/rawlog.h"

static const char key[] = "0123456789abcdef0123456789abcdef";

static struct record_open opening(const char *run, const char *engine)
{
    return (struct record_open){.run = run, .started = "2026-01-01T00:00:00.000Z", .engine = engine, .variant = "",
                                .model = "m", .size = "15M", .quantize = "q4_0", .device = "cpu", .seed = 42,
                                .host = "h", .user = "u", .platform = "Linux", .release = "6.1", .command = "prony run m"};
}

/* Round numbers: step 0 takes 4 us, of which 1 us waiting; step 1 2 us, its wait unknown. */
static const struct sample_step steps[2] = {
    {.id = 5, .enqueue_ns = 1000, .total_ns = 4000, .logprob = -0.5, .text = "a,\"b\"", .text_len = 5},
    {.id = 6, .enqueue_ns = RECORD_UNKNOWN, .total_ns = 2000, .logprob = NAN, .text = "\n", .text_len = 1},
};
static const struct sample_reply replies[2] = {
    {.prompt_len = 10, .finish = "length", .n_steps = 2, .steps = steps},
    {.prompt_len = 20, .finish = "eos", .n_steps = 1, .steps = steps},
};

static struct sample_request request(int64_t index, size_t batch)
{
    return (struct sample_request){.cell = key, .launch = 0, .index = index, .phase = "timed", .clock = "monotonic",
                                   .submitted_ns = 1, .prefill_ns = 4000, .decode_ns = 2000, .total_ns = 6000,
                                   .server_prefill_ms = NAN, .server_decode_ms = NAN, .cached_tokens = RECORD_UNKNOWN,
                                   .step_bytes = 80000, .position_bytes = 100, .step_parameters = 20000,
                                   .n_replies = batch, .replies = replies};
}

static struct rawlog *open_log(const char *dir, const char *run, const char *engine)
{
    struct err err = ERR_INIT;
    struct record_open open = opening(run, engine);
    struct rawlog *log;
    assert_ok(rawlog_open(&log, dir, &open, &err));
    return log;
}

static void add(struct rawlog *log, int64_t index, size_t batch)
{
    struct err err = ERR_INIT;
    struct sample_request r = request(index, batch);
    assert_ok(rawlog_request(log, &r, &err));
}

static void end(struct rawlog *log, const char *status, const char *reason)
{
    struct err err = ERR_INIT;
    json_t *params = json_pack("{s:i}", "prompt_len", 10);
    struct cell_record cell = {.key = key, .experiment = "latency", .engine = "fake", .model = "m", .params = params,
                               .launch = 0, .status = status, .reason = reason, .samples = 1, .peak_bytes = 1 << 20};
    assert_ok(rawlog_cell(log, &cell, &err));
    json_decref(params);
    assert_ok(rawlog_close(log, &(struct record_close){.ended = "2026", .status = "done"}, &err));
}

static const char *folder(const char *name)
{
    static char path[4300];
    snprintf(path, sizeof path, "%s/%s", test_dir(), name);
    return path;
}

static struct buf content(const char *dir, const char *name)
{
    struct err err = ERR_INIT;
    struct buf b = BUF_INIT(64 << 20);
    char path[5000];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_ok(file_read(&b, path, 64 << 20, &err));
    return b;
}

static void assert_same(struct buf *a, struct buf *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->data, b->data, a->len);
    buf_release(a);
    buf_release(b);
}

static struct collate_report run_collate(const char *dir)
{
    struct err err = ERR_INIT;
    struct collate_report r;
    assert_ok(collate(&r, &(struct collate_options){.dir = dir}, &err));
    return r;
}

static int first_value(void *arg, size_t n, const struct query_value *v, struct err *err)
{
    (void)n, (void)err;
    *(struct query_value *)arg = v[0];
    return 0;
}

static int64_t count(const char *dir, const char *sql)
{
    struct err err = ERR_INIT;
    char path[5000];
    struct query_value v = {0};
    snprintf(path, sizeof path, "%s/results/prony.db", dir);
    assert_ok(query(path, sql, &(struct query_events){.row = first_value, .arg = &v}, &err));
    return v.kind == QUERY_INTEGER ? v.integer : -1;
}

static void a_csv_has_sixteen_columns_and_the_right_numbers(void **state)
{
    (void)state;
    char *dir = strdup(folder("numbers"));
    struct rawlog *log = open_log(dir, "0198-a", "mlc");
    add(log, 0, 1);
    end(log, "ok", NULL);
    struct collate_report r = run_collate(dir);
    assert_true(r.n_logs == 1 && r.n_requests == 1 && r.n_steps == 2 && r.n_csvs == 1 && r.n_damaged + r.n_torn == 0);
    struct buf csv = content(dir, "results/mlc_llm.csv");
    /* step 0 reads 80000 + 10*100 bytes in 4000 ns; step 1 one position more in 2000 ns */
    assert_string_equal(csv.data,
                        "step,enqueue_latency_ms,total_latency_ms,tokens_per_sec,memory_throughput_gb_s,"
                        "param_throughput_gb_s,generated_text,platform,release,device,username,hostname,size,quantize,"
                        "seed,uuid\n"
                        "0,0.001,0.004,250000,20.25,5,\"a,\"\"b\"\"\",Linux,6.1,cpu,u,h,15M,q4_0,42,0198-a\n"
                        "1,,0.002,500000,40.55,10,\"\n\",Linux,6.1,cpu,u,h,15M,q4_0,42,0198-a\n");
    buf_release(&csv);
    free(dir);
}

static void a_batch_reads_its_weights_once_and_all_its_positions(void **state)
{
    (void)state;
    char *dir = strdup(folder("batch"));
    struct rawlog *log = open_log(dir, "0198-a", "fake");
    add(log, 0, 2);
    end(log, "ok", NULL);
    run_collate(dir);
    struct buf csv = content(dir, "results/fake.csv");
    struct err err = ERR_INIT;
    struct csv_reader in;
    struct csv_text f[CSV_FIELDS];
    const char *want[] = {"20.75", "40.55", "20.75"}; /* (80000+3000)/4000 while both run, then (80000+1100)/2000 */
    csv_reader_init(&in, csv.data, csv.len, "fake.csv");
    assert_int_equal(csv_next(&in, f, CSV_FIELDS, &err), 16);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(csv_next(&in, f, CSV_FIELDS, &err), 16);
        assert_string_equal(f[4].data, want[i]);
    }
    assert_int_equal(csv_next(&in, f, CSV_FIELDS, &err), 0);
    csv_reader_release(&in);
    buf_release(&csv);
    free(dir);
}

static void twice_gives_the_same_bytes_and_pieces_give_the_whole(void **state)
{
    (void)state;
    char *pieces = strdup(folder("pieces")), *whole = strdup(folder("whole"));
    /* run b first, then a while b is collated already, each in two pieces */
    struct rawlog *b = open_log(pieces, "0198-b", "fake"), *b2 = open_log(whole, "0198-b", "fake");
    add(b, 0, 1);
    add(b2, 0, 1);
    run_collate(pieces);
    struct rawlog *a = open_log(pieces, "0198-a", "fake"), *a2 = open_log(whole, "0198-a", "fake");
    add(a, 1, 2);
    add(a2, 1, 2);
    run_collate(pieces);
    add(a, 0, 1);
    add(a2, 0, 1);
    add(b, 0, 2); /* that number again: the first counts */
    add(b2, 0, 2);
    end(a, "ok", NULL);
    end(a2, "ok", NULL);
    end(b, "timeout", "it took too long");
    end(b2, "timeout", "it took too long");
    struct collate_report r = run_collate(pieces);
    assert_true(r.n_logs_new == 2 && r.n_requests == 1);
    run_collate(whole);
    struct buf x = content(pieces, "results/fake.csv"), y = content(whole, "results/fake.csv");
    assert_same(&x, &y);
    assert_int_equal(count(whole, "SELECT count(*) FROM request"), count(pieces, "SELECT count(*) FROM request"));
    assert_int_equal(count(whole, "SELECT count(*) FROM launch WHERE status = 'timeout' AND reason = 'it took too long'"), 1);

    struct buf db = content(pieces, "results/prony.db"), csv = content(pieces, "results/fake.csv");
    r = run_collate(pieces);
    assert_true(r.n_logs_new == 0 && r.n_records == 0 && r.n_csvs == 0);
    struct buf db2 = content(pieces, "results/prony.db"), csv2 = content(pieces, "results/fake.csv");
    assert_same(&db, &db2);
    assert_same(&csv, &csv2);
    char path[5000];
    snprintf(path, sizeof path, "%s/results/fake.csv", pieces);
    unlink(path);
    r = run_collate(pieces); /* a CSV that is gone comes back */
    assert_int_equal(r.n_csvs, 1);
    csv = content(pieces, "results/fake.csv");
    csv2 = content(whole, "results/fake.csv");
    assert_same(&csv, &csv2);
    free(pieces);
    free(whole);
}

static void notice(void *arg, const char *log, uint64_t at, const char *why)
{
    (void)at;
    assert_true(strncmp(log, "raw/fake_m/", 11) == 0 && why[0]);
    ++*(int *)arg;
}

static void damage_is_reported_and_stops_nothing(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char *dir = strdup(folder("damage"));
    struct rawlog *log = open_log(dir, "0198-a", "fake");
    char *path = strdup(rawlog_file(log));
    add(log, 0, 1);
    assert_ok(rawlog_line(log, "{\"t\":\"request\",\"cell\":\"k\",\"launch\":0,\"index\":0,\"phase\":\"timed\",\"replies\":[7]}", 77, &err));
    assert_ok(rawlog_line(log, "not JSON", 8, &err));
    assert_ok(rawlog_line(log, "{\"t\":\"of a later prony\"}", 24, &err));
    add(log, 1, 1);
    rawlog_close(log, NULL, NULL);
    FILE *f = fopen(path, "a");
    fputs("{\"t\":\"requ", f);
    fclose(f);
    int n = 0;
    struct collate_report r;
    struct collate_options o = {.dir = dir, .notice = notice, .arg = &n};
    assert_ok(collate(&r, &o, &err));
    assert_true(r.n_damaged == 2 && r.n_torn == 1 && n == 3 && r.n_requests == 2);
    assert_int_equal(count(dir, "SELECT count(*) FROM damage"), 2);
    assert_int_equal(count(dir, "SELECT count(*) FROM cell"), 1); /* nothing of the wrong request stayed */
    log = open_log(dir, "0198-a", "fake"); /* taken up again: the torn line is ended and skipped for good */
    add(log, 2, 1);
    end(log, "ok", NULL);
    assert_ok(collate(&r, &o, &err));
    assert_true(r.n_damaged == 1 && r.n_torn == 0 && r.n_requests == 1);
    assert_int_equal(count(dir, "SELECT count(*) FROM request"), 3);
    assert_int_equal(truncate(path, 100), 0);
    assert_err(collate(&r, &o, &err), ERR_INPUT, "it was changed");
    free(path);
    free(dir);
}

static void a_newer_or_foreign_database_is_left_alone(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char *dir = strdup(folder("newer")), path[5000];
    struct rawlog *log = open_log(dir, "0198-a", "fake");
    add(log, 0, 1);
    end(log, "ok", NULL);
    run_collate(dir);
    snprintf(path, sizeof path, "%s/results/prony.db", dir);
    sqlite3 *db;
    assert_ok(database_open(&db, path, &err));
    assert_ok(database_exec(db, "PRAGMA user_version = 7", &err));
    database_close(db);
    struct collate_report r;
    assert_err(collate(&r, &(struct collate_options){.dir = dir}, &err), ERR_UNSUPPORTED, "version 7, this prony knows up to 1");
    assert_ok(file_write(path, "something else entirely, no database", 36, &err));
    assert_err(collate(&r, &(struct collate_options){.dir = dir}, &err), ERR_INPUT, "not a database");
    assert_err(collate(&r, &(struct collate_options){.dir = test_dir()}, &err), ERR_INPUT, "has no folder raw/");
    free(dir);
}

static void a_query_only_reads(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    char *dir = strdup(folder("query")), path[5000];
    struct rawlog *log = open_log(dir, "0198-a", "fake");
    add(log, 0, 1);
    end(log, "ok", NULL);
    run_collate(dir);
    snprintf(path, sizeof path, "%s/results/prony.db", dir);
    struct buf before = content(dir, "results/prony.db");
    struct query_value v;
    struct query_events e = {.row = first_value, .arg = &v};
    assert_ok(query(path, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<9) SELECT avg(i) FROM n;", &e, &err));
    assert_true(v.kind == QUERY_NUMBER && v.number == 5);
    assert_ok(query(path, "SELECT params->>'prompt_len' FROM cell", &e, &err));
    assert_true(v.kind == QUERY_INTEGER && v.integer == 10);
    assert_ok(query(path, "PRAGMA table_info(step)", &e, &err));
    const char *bad[] = {"DELETE FROM run", "INSERT INTO run (uuid, seed) VALUES ('x', 1)", "DROP TABLE run",
                         "ATTACH '/tmp/prony-attached.db' AS x", "PRAGMA user_version = 3", "PRAGMA journal_mode = DELETE", "VACUUM",
                         "CREATE TEMP TABLE t (a)", "SELECT 1; DELETE FROM run", "", "-- nothing", "SELECT load_extension('x')",
                         "BEGIN"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err_clear(&err);
        if (query(path, bad[i], &e, &err) == 0)
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(err.code, ERR_USAGE);
    }
    assert_err(query(path, "SELECT nothing FROM run", &e, &err), ERR_USAGE, "at character 8, 'nothing FROM run'");
    assert_err(query(path, "SELEKT 1", &e, &err), ERR_USAGE, "at character 1");
    assert_err(query("/no/such.db", "SELECT 1", &e, &err), ERR_MISSING, "'/no/such.db' is not there");
    struct buf after = content(dir, "results/prony.db");
    assert_same(&before, &after);
    free(dir);
}

static void csv_fields_survive_and_faults_are_named(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct buf b = BUF_INIT(1000);
    const char *in[] = {"plain", "", "a,b", "say \"x\"", "two\nlines", " space", "\r\n"};
    for (int i = 0; i < 7; i++) {
        csv_field(&b, in[i]);
        buf_char(&b, i < 6 ? ',' : '\r');
    }
    buf_str(&b, "\n\nlast");
    struct csv_reader r;
    struct csv_text f[CSV_FIELDS];
    csv_reader_init(&r, b.data, b.len, "f.csv");
    assert_int_equal(csv_next(&r, f, CSV_FIELDS, &err), 7);
    for (int i = 0; i < 7; i++)
        assert_string_equal(f[i].data, in[i]);
    assert_int_equal(csv_next(&r, f, CSV_FIELDS, &err), 1);
    assert_string_equal(f[0].data, "last");
    assert_int_equal(r.line, 5);
    assert_int_equal(csv_next(&r, f, CSV_FIELDS, &err), 0);
    csv_reader_release(&r);
    csv_reader_init(&r, "a\n\"b\nc", 6, "f.csv");
    assert_int_equal(csv_next(&r, f, CSV_FIELDS, &err), 1);
    assert_err(csv_next(&r, f, CSV_FIELDS, &err), ERR_INPUT, "'f.csv':2: a quote opens");
    csv_reader_release(&r);
    csv_reader_init(&r, "\"a\"b,c", 6, "f.csv");
    assert_err(csv_next(&r, f, CSV_FIELDS, &err), ERR_INPUT, "'f.csv':1: text behind");
    csv_reader_release(&r);
    csv_reader_init(&r, "a,b,c", 5, "f.csv");
    assert_err(csv_next(&r, f, 2, &err), ERR_INPUT, "more than 2 fields");
    csv_reader_release(&r);
    buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_csv_has_sixteen_columns_and_the_right_numbers),
        cmocka_unit_test(a_batch_reads_its_weights_once_and_all_its_positions),
        cmocka_unit_test(twice_gives_the_same_bytes_and_pieces_give_the_whole),
        cmocka_unit_test(damage_is_reported_and_stops_nothing),
        cmocka_unit_test(a_newer_or_foreign_database_is_left_alone),
        cmocka_unit_test(a_query_only_reads),
        cmocka_unit_test(csv_fields_survive_and_faults_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

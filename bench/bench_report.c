/* How long a report of a million observations takes, in how much memory, and how large its page is:
 *
 *     ninja -C build bench_report && build/bench_report [FOLDER [REQUESTS]]
 *
 * Writes a made-up run below FOLDER (a temporary one, removed in the end, unless given): four engines, three prompt lengths,
 * 25 launches. Reading that log is most of the time. */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "report/format.h"
#include "report/report_files.h"
#include "report/rows.h"

#define LAUNCHES 25

static int write_engine(const char *dir, const char *engine, int rank, long requests, struct err *err)
{
    static const int prompts[] = {128, 512, 2048};
    struct rng rng;
    char *path = mem_printf(err, "%s/raw/%s_made-up", dir, engine);
    int result = path ? file_mkdirs(path, err) : -1;
    char *log = result == 0 ? path_join(path, "h_1B_q4_0_seed42_uuid0.txt", err) : NULL;
    FILE *f = log ? fopen(log, "w") : NULL;
    free(path);
    if (!f) {
        free(log);
        return result < 0 ? -1 : err_set_errno(err, errno, "a log below '%s'", dir);
    }
    rng_init(&rng, (uint64_t)rank);
    fprintf(f, "{\"t\":\"open\",\"format\":1,\"run\":\"r1\",\"started\":\"2026-01-02T03:04:05Z\",\"engine\":\"%s\",\"variant\":null,"
               "\"model\":\"made-up\",\"quantize\":\"q4_0\",\"seed\":42,\"fingerprint\":null}\n", engine);
    for (int p = 0; p < 3; p++)
        for (int launch = 0; launch < LAUNCHES; launch++) {
            for (long i = 0; i < requests / (4 * 3 * LAUNCHES); i++) {
                long prefill = (long)(prompts[p] * 1e5 * (1 + 0.2 * rank) * (1 + 0.05 * rng_unit(&rng)));
                long decode = (long)(4e7 * (1 + 0.1 * rank) * (1 + 0.1 * rng_unit(&rng)));
                fprintf(f, "{\"t\":\"request\",\"cell\":\"%s%d\",\"launch\":%d,\"index\":%ld,\"phase\":\"timed\",\"clock\":\"monotonic\","
                           "\"submitted_ns\":0,\"prefill_ns\":%ld,\"decode_ns\":%ld,\"total_ns\":%ld,\"server_prefill_ms\":null,"
                           "\"server_decode_ms\":null,\"cached_tokens\":null,\"step_bytes\":null,\"position_bytes\":null,"
                           "\"step_parameters\":null,\"replies\":[{\"prompt_len\":%d,\"finish\":\"length\",\"id\":[1,2,3],"
                           "\"enqueue_ns\":[null,null,null],\"total_ns\":[%ld,%ld,%ld],\"logprob\":[null,null,null],"
                           "\"text\":[\"a\",\"b\",\"c\"]}]}\n", engine, p, launch, i, prefill, decode, prefill + decode, prompts[p],
                        prefill, decode / 2, decode / 2);
            }
            fprintf(f, "{\"t\":\"cell\",\"cell\":\"%s%d\",\"experiment\":\"latency\",\"engine\":\"%s\",\"variant\":null,\"model\":\"made-up\","
                       "\"params\":{\"prompt_len\":%d,\"gen_len\":3,\"batch_size\":1},\"launch\":%d,\"status\":\"ok\",\"reason\":null,"
                       "\"hint\":null,\"samples\":1,\"peak_bytes\":null,\"checked_against\":\"made up\",\"benchmark\":null,"
                       "\"target\":null}\n", engine, p, engine, prompts[p], launch);
        }
    bool failed = ferror(f);
    failed |= fclose(f) != 0;
    if (failed)
        result = err_set_errno(err, errno, "'%s'", log);
    free(log);
    return result;
}

static int report(const char *dir, struct err *err)
{
    struct results results;
    struct report_doc doc;
    struct stat page = {0};
    int64_t start = clock_ns();
    TRY(results_read(&results, dir, NULL, err));
    int64_t read = clock_ns();
    report_doc_init(&doc, (size_t)2 << 30);
    char *out = path_join(dir, "report", err), *html = path_join(dir, "report/report.html", err);
    int result = out && html ? rows_document(&doc, &results, err) : -1;
    int64_t made = clock_ns();
    if (result == 0)
        result = report_files_write(out, report_format_find("html", err), &doc, &results, err);
    int64_t end = clock_ns();
    if (result == 0 && stat(html, &page) == 0) {
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        printf("read the log       %6.2f s\nfigures, verdicts  %6.2f s\npage and CSV       %6.2f s\nin all             %6.2f s\n"
               "memory             %6.0f MB\npage               %6.2f MB\n",
               (double)(read - start) / 1e9, (double)(made - read) / 1e9, (double)(end - made) / 1e9, (double)(end - start) / 1e9,
               (double)usage.ru_maxrss / 1024, (double)page.st_size / 1048576);
    }
    free(out);
    free(html);
    report_doc_release(&doc);
    results_release(&results);
    return result;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

int main(int argc, char **argv)
{
    static const char *const engines[] = {"native", "llamacpp", "vllm", "sglang"};
    char temporary[] = "/tmp/prony-bench-report-XXXXXX";
    const char *dir = argc > 1 ? argv[1] : mkdtemp(temporary);
    long requests = argc > 2 ? atol(argv[2]) : 1000000;
    struct err err = {0};
    int result = dir ? 0 : err_set_errno(&err, errno, "'%s'", temporary);
    for (int i = 0; result == 0 && i < 4; i++)
        result = write_engine(dir, engines[i], i, requests, &err);
    if (result == 0)
        result = report(dir, &err);
    if (result < 0)
        fprintf(stderr, "bench_report: %s\n", err.text);
    if (argc <= 1 && dir)
        nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return result < 0;
}

#include "report/metric.h"

#include <string.h>

const struct metric metric_table[] = {
    {"load_s", "load", "s", BETTER_LESS, "from the launch of the engine to its being ready for a request"},
    {"cold_start_ms", "cold start", "ms", BETTER_LESS,
     "from the launch of the engine to the first token of the first request"},
    {"ttft_ms", "first token", "ms", BETTER_LESS, "from handing the request over to its first token, as the one who asked sees it"},
    {"prefill_ms", "prefill", "ms", BETTER_LESS, "from handing the request over to the first token"},
    {"prefill_tps", "prefill rate", "tok/s", BETTER_MORE, "tokens of the prompt times batch divided by the prefill time"},
    {"decode_ms", "decode", "ms", BETTER_LESS, "from the first token to the last"},
    {"decode_tps", "decode rate", "tok/s", BETTER_MORE,
     "tokens generated after the first, times batch, divided by the decode time"},
    {"avg_tps", "average rate", "tok/s", BETTER_MORE, "tokens generated times batch divided by the whole time of the request"},
    {"peak_tps", "peak rate", "tok/s", BETTER_MORE, "the average rate of the fastest iteration"},
    {"tokens_per_sec", "decode speed", "tok/s", BETTER_MORE, "tokens generated times batch divided by the decode time"},
    {"total_s", "total", "s", BETTER_LESS, "from handing the request over to its last token"},
    {"steady_ms_per_token", "per token", "ms", BETTER_LESS, "time of a token step once the first ones have passed"},
    {"min_ms_per_token", "fastest token", "ms", BETTER_LESS, "the shortest token step"},
    {"max_ms_per_token", "slowest token", "ms", BETTER_LESS, "the longest token step"},
    {"enqueue_latency_ms", "enqueue", "ms", BETTER_LESS,
     "from handing the request over to the first work on that token step"},
    {"total_latency_ms", "step", "ms", BETTER_LESS, "wall time of a token step"},
    {"memory_throughput_gb_s", "memory rate", "GB/s", BETTER_MORE,
     "bytes of weights and of KV cache that the step must read, divided by its time"},
    {"param_throughput_gb_s", "parameter rate", "GB/s", BETTER_MORE, "bytes of the parameters used divided by the time of the step"},
    {"model_mb", "model", "MB", BETTER_LESS, "bytes of the weights"},
    {"kv_mb", "KV cache", "MB", BETTER_LESS, "bytes of the KV cache at the end of the request"},
    {"kvcache_mb", "KV cache", "MB", BETTER_LESS, "bytes of the KV cache at the end of the request"},
    {"peak_mb", "peak memory", "MB", BETTER_LESS, "the largest resident memory of the engine's processes"},
    {"overhead_mb", "overhead", "MB", BETTER_LESS, "peak memory less model and KV cache"},
    {"share_of_bandwidth", "of bandwidth", "", BETTER_MORE,
     "memory rate divided by what this machine's memory delivers to a plain read"},
    {"share_of_arithmetic", "of arithmetic", "", BETTER_MORE,
     "arithmetic of the prefill divided by what this machine's processors deliver at most"},
    {"machine_read_gb_s", "machine's read rate", "GB/s", BETTER_NEITHER,
     "what this machine's memory delivers to a plain read, measured within seconds before the launch"},
    {"machine_gops", "machine's arithmetic", "GOP/s", BETTER_NEITHER,
     "multiplications and additions of that precision that this machine's processors deliver at most, measured within seconds before the launch"},
    {"perplexity", "perplexity", "", BETTER_LESS, "e to the power of the cross entropy"},
    {"cross_entropy", "cross entropy", "nats", BETTER_LESS, "mean of minus the logarithm of the probability of each token"},
    {"kl", "KL divergence", "nats", BETTER_LESS,
     "Kullback-Leibler divergence of the next token's distribution from the reference's"},
    {"top10_overlap", "top-10 overlap", "", BETTER_MORE, "share of the reference's ten likeliest tokens that are among the engine's ten"},
    {"spearman", "Spearman ρ", "", BETTER_MORE, "rank correlation of log-probabilities on the reference's likeliest tokens"},
    {"exact_match", "exact match", "", BETTER_MORE, "share of greedy texts that are the other's token by token"},
    {"lcp", "common prefix", "tokens", BETTER_MORE, "tokens until greedy texts part, or their whole length"},
    {"latency_ms", "latency", "ms", BETTER_LESS, "from handing the request over to its last token"},
    {"acceptance_rate", "acceptance", "", BETTER_MORE, "drafted tokens that were accepted, divided by those drafted"},
    {"bits_per_byte", "bits a byte", "", BETTER_LESS, "cross entropy in bits, of the whole text, divided by its bytes"},
};

const size_t metric_count = sizeof metric_table / sizeof metric_table[0];

const struct metric *metric_find(const char *name)
{
    for (size_t i = 0; i < metric_count; i++)
        if (strcmp(metric_table[i].name, name) == 0)
            return &metric_table[i];
    return NULL;
}

bool metric_ranks(const struct metric *m)
{
    static const char *const names[] = {"prefill_ms", "tokens_per_sec", "decode_tps", "peak_mb", "perplexity"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], m->name) == 0)
            return true;
    return false;
}

const char *better_name(enum better better)
{
    return better == BETTER_LESS ? "less" : better == BETTER_MORE ? "more" : NULL;
}

/* prony.h - prony as a library: open an engine, let it generate and score, run a manifest, read what was measured.
 *
 *     struct prony_error error = {0};
 *     struct prony_engine *engine;
 *     if (prony_engine_open(&engine, "native", "model.gguf", NULL, &error) < 0) {
 *         fprintf(stderr, "%s\n", error.text);
 *         return 1;
 *     }
 *     struct prony_request request = PRONY_REQUEST_INIT;
 *     request.prompt = "Once upon a time";
 *     request.max_tokens = 64;
 *     struct prony_reply *reply;
 *     if (prony_generate(engine, &request, &reply, &error) == 0) {
 *         printf("%s\n", prony_reply_text(reply, NULL));
 *         prony_reply_free(reply);
 *     }
 *     prony_engine_close(engine);
 *
 * Rules. The library never prints and never exits. Functions that can fail return 0 or -1 and fill the error, which may
 * be NULL. What a function gives is freed with the function named at it; what it borrows is needed during the call only.
 * An engine belongs to one thread at a time. Structures that you fill begin with their size, set by their INIT macro, so
 * that a program built against an older header goes on working; a field left zero has its default.
 */
#ifndef PRONY_H
#define PRONY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PRONY_API __attribute__((visibility("default")))

/* Numbers do not change. */
enum prony_code {
    PRONY_OK = 0,
    PRONY_USAGE = 1,       /* what was asked for makes no sense */
    PRONY_INPUT = 2,       /* a file or an answer is wrong */
    PRONY_IO = 3,          /* the system refused */
    PRONY_MEMORY = 4,
    PRONY_UNSUPPORTED = 5, /* this engine or build cannot do it */
    PRONY_MISSING = 6,     /* something is not installed */
    PRONY_ENGINE = 7,      /* the engine failed or talked nonsense */
    PRONY_TIMEOUT = 8,
    PRONY_INTERRUPTED = 9,
    PRONY_LIMIT = 10,      /* a limit that was set was crossed */
    PRONY_BUG = 11,        /* a fault of prony */
};

struct prony_error {
    int code;       /* enum prony_code; touched only on failure */
    char text[512]; /* "'m.gguf': no such file or directory" */
    char hint[256]; /* how to mend it, or "" */
};

PRONY_API const char *prony_version(void); /* "0.1.0" */
PRONY_API const char *prony_commit(void);

/* Gives back what prony gave to be freed with it. NULL is fine. */
PRONY_API void prony_free(void *p);

/* ---- engines ---- */

struct prony_engine;

struct prony_engine_options {
    size_t size;
    const char *options_json; /* the engine's own options, an object; NULL: none */
    const char *device;       /* NULL: "cpu" */
    int threads;              /* 0: one a processor */
    int context;              /* positions a sequence must hold; 0: the model's own */
    uint64_t seed;
};
#define PRONY_ENGINE_OPTIONS_INIT {sizeof(struct prony_engine_options), NULL, NULL, 0, 0, 0}

/* name: "NAME[:VARIANT][@URL]", as `prony engines list` shows it. model: a file, a folder or a key; NULL for an engine
 * that needs none. options may be NULL. Gives *out, to be ended with prony_engine_close. */
PRONY_API int prony_engine_open(struct prony_engine **out, const char *name, const char *model,
                                const struct prony_engine_options *options, struct prony_error *error);
PRONY_API void prony_engine_close(struct prony_engine *engine); /* NULL is fine */

PRONY_API int prony_engine_vocabulary(const struct prony_engine *engine); /* 0: unknown */
PRONY_API int32_t prony_engine_eos(const struct prony_engine *engine);    /* an id that ends a text, or -1 */

/* Text to ids, without a beginning-of-sequence token. *ids: free with prony_free. */
PRONY_API int prony_tokenize(struct prony_engine *engine, const char *text, size_t len, int32_t **ids, size_t *n_ids,
                             struct prony_error *error);
/* Ids to text, ended by a NUL that *len does not count. *text: free with prony_free. */
PRONY_API int prony_detokenize(struct prony_engine *engine, const int32_t *ids, size_t n_ids, char **text, size_t *len,
                               struct prony_error *error);

/* ---- generate ---- */

struct prony_request {
    size_t size;
    const char *prompt;  /* the text, or */
    const int32_t *ids;  /* n_ids ids, used as they are */
    size_t n_ids;
    size_t max_tokens;   /* 0: 128 */
    int ignore_eos;      /* go on to max_tokens whatever comes */
    double temperature;  /* 0: the likeliest token at each step */
    int top_k;           /* 0: all */
    double top_p;        /* 0: all */
    uint64_t seed;
    /* Called for each piece of text as it comes; 0 ends the reply there. NULL: nobody watches. */
    int (*on_text)(void *arg, const char *piece, size_t len);
    void *on_text_arg;
};
#define PRONY_REQUEST_INIT {sizeof(struct prony_request), NULL, NULL, 0, 0, 0, 0.0, 0, 0.0, 0, NULL, NULL}

struct prony_reply;

/* Gives *out, to be ended with prony_reply_free. */
PRONY_API int prony_generate(struct prony_engine *engine, const struct prony_request *request, struct prony_reply **out,
                             struct prony_error *error);
PRONY_API void prony_reply_free(struct prony_reply *reply); /* NULL is fine */

/* All borrowed from the reply. */
PRONY_API const char *prony_reply_text(const struct prony_reply *reply, size_t *len); /* len may be NULL */
PRONY_API size_t prony_reply_count(const struct prony_reply *reply);                  /* new tokens */
PRONY_API int32_t prony_reply_id(const struct prony_reply *reply, size_t i);          /* -1: the engine gives none */
PRONY_API double prony_reply_logprob(const struct prony_reply *reply, size_t i);      /* NaN: the engine gives none */
PRONY_API double prony_reply_ms(const struct prony_reply *reply, size_t i); /* from handing over to token i */
PRONY_API const char *prony_reply_finish(const struct prony_reply *reply);  /* "length", "eos", "stop", "caller" */

/* ---- score ---- */

/* logprobs[i], of n_ids, receives the natural logarithm of the probability of ids[i] after ids[0] to ids[i-1]; NaN for
 * the first. */
PRONY_API int prony_score(struct prony_engine *engine, const int32_t *ids, size_t n_ids, double *logprobs,
                          struct prony_error *error);

/* ---- run a manifest ---- */

struct prony_run_options {
    size_t size;
    const char *out;     /* MUST: the folder to write to; raw/ and artifacts/ lie below it */
    const char *target;  /* one target of the manifest; NULL: all */
    const char *device;  /* NULL: "cpu" */
    uint64_t seed;       /* 0: the manifest's */
    int threads;         /* 0: one a processor */
    int resume;          /* take up the newest run of this manifest that was cut off */
    uint64_t memory_limit_mb; /* of a cell; 0: none */
    double time_limit_s; /* a cell that gives no sign of life for so long is ended; 0: no limit */
};
#define PRONY_RUN_OPTIONS_INIT {sizeof(struct prony_run_options), NULL, NULL, NULL, 0, 0, 0, 0, 0.0}

struct prony_run_outcome {
    char run[64];          /* its id */
    char folder[4096];     /* its own folder, for prony_results_open */
    size_t cells, failed;  /* failed: rows that hold a reason instead of figures */
    size_t samples, kept;  /* measured now; found from before */
};

/* Measures all that a manifest asks for; a cell that fails does not fail the run. Every launch is a fresh process of the
 * program `prony`: $PRONY_CELL_PROGRAM, or what was installed with this library (then that variable is set). Blocks until
 * all is done. outcome may be NULL. */
PRONY_API int prony_run(const char *manifest, const struct prony_run_options *options, struct prony_run_outcome *outcome,
                        struct prony_error *error);

/* ---- read what was measured ---- */

struct prony_results;

/* path: the folder that runs were written to, or a run's own. run: an id, "all", or NULL for the run that began last (or
 * the one whose folder it is). Gives *out, to be ended with prony_results_close. */
PRONY_API int prony_results_open(struct prony_results **out, const char *path, const char *run, struct prony_error *error);
PRONY_API void prony_results_close(struct prony_results *results); /* NULL is fine */

PRONY_API size_t prony_results_count(const struct prony_results *results); /* cells */

/* "run", "experiment", "engine", "variant", "model", "quantize", "version", "checked_against", "target", "benchmark",
 * "reason" (why the cell has no samples), or a parameter that is a text. Borrowed; NULL: unknown, or no such cell. */
PRONY_API const char *prony_results_text(const struct prony_results *results, size_t cell, const char *field);
/* A parameter that is a number ("prompt_len"); NaN: unknown. */
PRONY_API double prony_results_number(const struct prony_results *results, size_t cell, const char *parameter);

struct prony_figure {
    double median, mean;
    double sd, lo, hi; /* NaN below two samples; lo and hi: the 95 % interval */
    size_t n;
};

/* metric: "prefill_ms", "decode_ms", "tokens_per_sec", "total_s", "peak_mb", "load_s", ... The samples are launches as
 * soon as the cell has two. A cell without samples of it is PRONY_MISSING. */
PRONY_API int prony_results_figure(const struct prony_results *results, size_t cell, const char *metric,
                                   struct prony_figure *out, struct prony_error *error);

/* The whole report as JSON. *json: free with prony_free. */
PRONY_API int prony_results_json(const struct prony_results *results, char **json, struct prony_error *error);

#ifdef __cplusplus
}
#endif

#endif

/* score.c - how surprised is an engine by a text? Prints its perplexity.
 *
 *     cc score.c $(pkg-config --cflags --libs prony) -lm -o score
 *     ./score fake - "The quick brown fox"          (engine, model or -, text)
 */
#include <math.h>
#include <prony.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct prony_error error = {0};
    struct prony_engine *engine = NULL;
    int32_t *ids = NULL;
    size_t n = 0;
    int status = 1;
    if (argc != 4) {
        fprintf(stderr, "usage: score ENGINE MODEL|- TEXT\n");
        return 2;
    }
    const char *model = strcmp(argv[2], "-") == 0 ? NULL : argv[2];
    if (prony_engine_open(&engine, argv[1], model, NULL, &error) < 0 ||
        prony_tokenize(engine, argv[3], strlen(argv[3]), &ids, &n, &error) < 0)
        goto out;
    double *logprobs = malloc((n ? n : 1) * sizeof *logprobs), sum = 0;
    if (!logprobs)
        abort();
    if (prony_score(engine, ids, n, logprobs, &error) == 0) {
        for (size_t i = 1; i < n; i++) /* nothing comes before the first */
            sum += logprobs[i];
        printf("%zu tokens, perplexity %.4f\n", n, exp(-sum / (double)(n - 1)));
        status = 0;
    }
    free(logprobs);
out:
    if (status)
        fprintf(stderr, "score: %s\n", error.text);
    prony_free(ids);
    prony_engine_close(engine);
    return status;
}

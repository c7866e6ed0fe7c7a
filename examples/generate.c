/* generate.c - lets an engine go on with a text, printing it as it comes, then how long each token took.
 *
 *     cc generate.c $(pkg-config --cflags --libs prony) -o generate
 *     ./generate fake - "Once upon a time"          (engine, model or -, prompt)
 */
#include <prony.h>
#include <stdio.h>
#include <string.h>

static int show(void *arg, const char *piece, size_t len)
{
    (void)arg;
    fwrite(piece, 1, len, stdout);
    fflush(stdout);
    return 1; /* go on */
}

int main(int argc, char **argv)
{
    struct prony_error error = {0};
    struct prony_engine *engine;
    if (argc != 4) {
        fprintf(stderr, "usage: generate ENGINE MODEL|- PROMPT\n");
        return 2;
    }
    const char *model = strcmp(argv[2], "-") == 0 ? NULL : argv[2];
    if (prony_engine_open(&engine, argv[1], model, NULL, &error) < 0) {
        fprintf(stderr, "generate: %s\n", error.text);
        return 1;
    }
    struct prony_request request = PRONY_REQUEST_INIT;
    struct prony_reply *reply;
    request.prompt = argv[3];
    request.max_tokens = 16;
    request.on_text = show;
    if (prony_generate(engine, &request, &reply, &error) < 0) {
        fprintf(stderr, "generate: %s\n", error.text);
        prony_engine_close(engine);
        return 1;
    }
    size_t n = prony_reply_count(reply);
    printf("\n%zu tokens, ended by %s\n", n, prony_reply_finish(reply));
    if (n > 1)
        printf("first token after %.3f ms, then %.3f ms a token\n", prony_reply_ms(reply, 0),
               (prony_reply_ms(reply, n - 1) - prony_reply_ms(reply, 0)) / (double)(n - 1));
    prony_reply_free(reply);
    prony_engine_close(engine);
    return 0;
}

/* native_switches.h - the switches of prony's own engine, shared by the commands that have it in their own process. What they
 * mean is in engines/native_options.c. */
#ifndef CLI_NATIVE_SWITCHES_H
#define CLI_NATIVE_SWITCHES_H

#include "cli/command.h"
#include "models/session.h"

#define NATIVE_SWITCHES                                                                                                       \
    {.name = "variant", .kind = OPT_STRING, .argument = "V", .help = "of the native engine", .choices = "ref,fast"},         \
    {.name = "math", .kind = OPT_STRING, .argument = "T",                                                                     \
     .help = "what F16 and F32 weights are multiplied in: f32, bf16 (faster, less exact); not given: f32"},                  \
    {.name = "kv", .kind = OPT_STRING, .argument = "T",                                                                       \
     .help = "type of the KV cache: f32, f16, bf16, q8_0, q4_0; not given: f16, with ref f32"},                              \
    {.name = "quantize", .kind = OPT_STRING, .argument = "TYPE",                                                              \
     .help = "type that the weights get when the model is loaded: int8, nf4, float16, bf16, q8_0, q4_k_m, ..."},            \
    {.name = "row-invariant", .kind = OPT_FLAG, .help = "the same bits for a row whatever is computed beside it"}

/* Quantizes the model if that was asked for, and fills what a session takes of the switches and of --threads. */
int native_switches_apply(struct session_options *out, struct model *m, const struct invocation *in, struct err *err);

#endif

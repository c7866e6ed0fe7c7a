/* sampling_options.h - the switches that say how a token is chosen, shared by generate and chat. */
#ifndef CLI_SAMPLING_OPTIONS_H
#define CLI_SAMPLING_OPTIONS_H

#include "base/defaults.h"
#include "cli/command.h"
#include "models/sampler.h"

#define SAMPLING_OPTIONS                                                                                               \
    {.name = "temperature", .letter = 't', .kind = OPT_DOUBLE, .argument = "T", .help = "0 takes the likeliest token", \
     .initial = DEFAULT_GENERATE_TEMPERATURE, .lo = 0, .hi = 1e6},                                                     \
    {.name = "top-k", .kind = OPT_INT, .argument = "K", .help = "only the K likeliest; 0: all",                        \
     .initial = DEFAULT_GENERATE_TOP_K, .lo = 0, .hi = 1e9},                                                           \
    {.name = "top-p", .kind = OPT_DOUBLE, .argument = "P", .help = "only the likeliest that reach P; 0: all",          \
     .initial = DEFAULT_GENERATE_TOP_P, .lo = 0, .hi = 1},                                                             \
    {.name = "min-p", .kind = OPT_DOUBLE, .argument = "P", .help = "only those at least P times the likeliest",        \
     .initial = DEFAULT_GENERATE_MIN_P, .lo = 0, .hi = 1},                                                             \
    {.name = "typical", .kind = OPT_DOUBLE, .argument = "P", .help = "only the most typical that reach P; 0: all",     \
     .initial = DEFAULT_GENERATE_TYPICAL, .lo = 0, .hi = 1},                                                           \
    {.name = "repetition-penalty", .kind = OPT_DOUBLE, .argument = "R", .help = "makes what was seen rarer; 1: off",   \
     .initial = DEFAULT_GENERATE_REPETITION_PENALTY, .lo = 1e-3, .hi = 1e3},                                           \
    {.name = "presence-penalty", .kind = OPT_DOUBLE, .argument = "R", .help = "taken from what was generated",         \
     .initial = DEFAULT_GENERATE_PRESENCE_PENALTY, .lo = -1e3, .hi = 1e3},                                             \
    {.name = "frequency-penalty", .kind = OPT_DOUBLE, .argument = "R", .help = "taken for each time it was generated", \
     .initial = DEFAULT_GENERATE_FREQUENCY_PENALTY, .lo = -1e3, .hi = 1e3},                                            \
    {.name = "logit-bias", .kind = OPT_LIST, .argument = "ID:B", .help = "added to the logit of an id"},               \
    {.name = "stop", .kind = OPT_LIST, .argument = "TEXT", .help = "ends the text where it appears"}

/* Fills `out`; its biases are in `bias`, to free(). */
int sampling_read(struct sampling *out, struct logit_bias **bias, const struct invocation *in, struct err *err);
/* The stop strings, borrowed; the array to free(). */
int stops_read(const char ***out, size_t *n, const struct invocation *in, struct err *err);

#endif

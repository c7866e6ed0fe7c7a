/* results_build.h - how results are put together, whatever they are read from. Private to report/. */
#ifndef REPORT_RESULTS_BUILD_H
#define REPORT_RESULTS_BUILD_H

#include "report/results.h"

/* Room for one more item at the end of an array of the results: call as results_grow(r, &items, &cap, n, size, err). */
int results_grow(struct results *r, void *items, size_t *cap, size_t n, size_t size, struct err *err);
/* Copies the text into *out, unless it is NULL or *out is set already. */
int results_text(struct results *r, const char **out, const char *text, struct err *err);
/* Keeps a reference to an object, unless *out is set already; anything else is left out. */
int results_object(struct results *r, const json_t **out, const json_t *v, struct err *err);

/* The run, cell or launch of that name, made when it is new; NULL and err. Pointers hold until the next one is made. */
struct result_run *results_run(struct results *r, const char *id, struct err *err);
struct result_cell *results_cell(struct results *r, const char *run, const char *key, struct err *err);
struct result_launch *results_launch(struct results *r, struct result_cell *cell, int64_t number, struct err *err);

/* The keys of an object in the order in which a person reads them: lengths and batch first, then by name. The order in
 * which they were written is lost in the database, and must not matter. Returns how many, at most `most`. */
enum { RESULTS_KEYS_MAX = 256 };
size_t results_keys(const json_t *object, const char *keys[RESULTS_KEYS_MAX]);

double results_ms(int64_t ns); /* NaN for RECORD_UNKNOWN */

int results_begin(struct results *r, struct err *err);
/* Chooses the run and puts all in order. */
int results_finish(struct results *r, const char *run, struct err *err);

/* The cells in their order alone, when what is in them is in order already. */
void results_order_cells(struct results *r);

/* Reads what llama-bench wrote as JSON. */
int results_read_llama_bench(struct results *r, const char *path, struct err *err);
/* Reads a database that `prony collate` made. */
int results_read_database(struct results *r, const char *path, struct err *err);

#endif

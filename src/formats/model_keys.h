/* model_keys.h - short names of models: the rows of configs/models.yaml. */
#ifndef FORMATS_MODEL_KEYS_H
#define FORMATS_MODEL_KEYS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

struct model_keys;

struct model_key {
    const char *key;
    const char *hf;              /* ORG/REPO */
    bool gated;
    const char *folder, *f16, *q4_k_m; /* paths, as the file has them; NULL: none */
};

/* configs/models.yaml among prony's data. Texts live until model_keys_close. */
int model_keys_open(struct model_keys **out, struct err *err);
/* The same from these bytes; `name` stands for the file in messages. */
int model_keys_parse(struct model_keys **out, const char *text, size_t len, const char *name, struct err *err);
void model_keys_close(struct model_keys *k);

const struct model_key *model_keys_find(const struct model_keys *k, const char *key);
/* The nearest to a word that is no key, or NULL. */
const char *model_keys_nearest(const struct model_keys *k, const char *word);
/* "a, b, c", appended. */
void model_keys_list(const struct model_keys *k, struct buf *out);
/* How `server` ("lemonade") knows the model, or NULL. */
const char *model_key_served(const struct model_keys *k, const char *key, const char *server);

#endif

#include "support/golden_model.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/str.h"
#include "support/golden.h"
#include "support/testing.h"

enum { NAMES_MAX = 256 };

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *const *golden_model_names(void)
{
    static char *names[NAMES_MAX + 1];
    size_t n = 0;
    if (names[0])
        return (const char *const *)names;
    DIR *d = opendir(SOURCE_DIR "/tests/models/golden");
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d)) && n < NAMES_MAX;)
        if (str_ends(e->d_name, ".json"))
            names[n++] = strndup(e->d_name, strlen(e->d_name) - strlen(".json"));
    closedir(d);
    qsort(names, n, sizeof *names, by_text);
    return (const char *const *)names;
}

json_t *golden_model_load(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "tests/models/golden/%s.json", name);
    return golden_load(path);
}

/* The functions below repeat `numbers` of tools/gen_model_goldens.py. */

static uint64_t hash_name(const char *name, uint64_t seed)
{
    uint64_t h = 0xcbf29ce484222325u ^ seed;
    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 0x100000001b3u;
    return h;
}

static bool is_norm_weight(const char *name)
{
    bool norm = strstr(name, "norm") || strstr(name, ".ln_") || str_starts(name, "ln_");
    return norm && str_ends(name, ".weight");
}

static double value_of(uint64_t u, int bits, double scale, bool norm)
{
    if (norm)
        return 0.5 + ldexp((double)(u >> (64 - (bits - 1))), -(bits - 1));
    double steps = (double)(u >> (64 - (bits + 1))) - ldexp(1, bits);
    return steps == -ldexp(1, bits) ? 0 : ldexp(steps, -bits) * scale;
}

/* Exact values only. */
static uint16_t half_of(double v)
{
    int exponent;
    double m = frexp(fabs(v), &exponent); /* [0.5, 1) */
    unsigned sign = v < 0 ? 0x8000u : 0;
    if (v == 0)
        return (uint16_t)sign;
    if (exponent < -13) /* subnormal */
        return (uint16_t)(sign | (unsigned)ldexp(fabs(v), 24));
    return (uint16_t)(sign | (unsigned)(exponent + 14) << 10 | ((unsigned)ldexp(m, 11) & 0x3ff));
}

static void add_value(struct buf *b, const char *type, double v)
{
    float f = (float)v;
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    uint16_t half = strcmp(type, "F16") == 0 ? half_of(v) : (uint16_t)(u >> 16);
    if (strcmp(type, "F32") == 0)
        buf_add(b, &f, sizeof f);
    else
        buf_add(b, &half, sizeof half);
}

static size_t add_tensor(struct buf *data, json_t *golden, json_t *tensor)
{
    const char *of = json_string_value(json_object_get(tensor, "of")), *type = golden_text(golden, "type");
    json_t *shape = json_object_get(tensor, "shape");
    int bits = (int)golden_number(golden, "bits");
    size_t n = 1, before = data->len;
    for (size_t i = 0; i < json_array_size(shape); i++)
        n *= (size_t)json_integer_value(json_array_get(shape, i));
    bool table = strstr(of, "emb") || strstr(of, "wte") || strstr(of, "wpe");
    uint64_t state = hash_name(of, (uint64_t)golden_number(golden, "seed"));
    for (size_t i = 0; i < n; i++)
        add_value(data, type, value_of(splitmix64(&state), bits, json_array_size(shape) == 2 && !table ? 0.25 : 0.5,
                                       is_norm_weight(of)));
    return data->len - before;
}

static void write_text(const char *dir, const char *name, const void *data, size_t len)
{
    struct err err = ERR_INIT;
    char *path = path_join(dir, name, &err);
    assert_ok(file_write(path, data, len, &err));
    free(path);
}

static void write_json(const char *dir, const char *name, json_t *value)
{
    char *text = json_dumps(value, 0);
    write_text(dir, name, text, strlen(text));
    free(text);
}

static void write_shard(const char *dir, json_t *golden, size_t shard, size_t shards, json_t *map)
{
    struct err err = ERR_INIT;
    struct buf data = BUF_INIT(1 << 28), file = BUF_INIT(1 << 28);
    json_t *header = json_object(), *tensors = golden_at(golden, "tensors");
    char name[64] = "model.safetensors";
    if (shards > 1)
        snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", shard + 1, shards);
    for (size_t i = shard; i < json_array_size(tensors); i += shards) {
        json_t *t = json_array_get(tensors, i);
        size_t from = data.len, n = add_tensor(&data, golden, t);
        json_object_set_new(header, json_string_value(json_object_get(t, "name")),
                            json_pack("{s:s, s:O, s:[I,I]}", "dtype", golden_text(golden, "type"), "shape",
                                      json_object_get(t, "shape"), "data_offsets", (json_int_t)from, (json_int_t)(from + n)));
        json_object_set_new(map, json_string_value(json_object_get(t, "name")), json_string(name));
    }
    char *text = json_dumps(header, 0);
    uint64_t len = strlen(text);
    buf_add(&file, &len, sizeof len);
    buf_str(&file, text);
    buf_add(&file, data.data, data.len);
    assert_ok(buf_check(&file, &err));
    write_text(dir, name, file.data, file.len);
    free(text);
    json_decref(header);
    buf_release(&data);
    buf_release(&file);
}

const char *golden_model_build(json_t *golden, size_t form)
{
    static char *folders[1024]; /* kept, so that the leak checker sees that they are meant to live */
    static size_t built;
    struct err err = ERR_INIT;
    char name[32], *dir;
    size_t shards = (size_t)golden_number(golden, "shards");
    json_t *map = json_object();
    assert_true(built < sizeof folders / sizeof folders[0]);
    snprintf(name, sizeof name, "model%zu", built);
    dir = folders[built++] = path_join(test_dir(), name, &err);
    assert_ok(file_mkdirs(dir, &err));
    write_json(dir, "config.json", json_array_get(golden_at(golden, "configs"), form));
    for (size_t i = 0; i < shards; i++)
        write_shard(dir, golden, i, shards, map);
    if (shards > 1) {
        json_t *index = json_pack("{s:{}, s:O}", "metadata", "weight_map", map);
        write_json(dir, "model.safetensors.index.json", index);
        json_decref(index);
    }
    json_decref(map);
    return dir;
}

const int32_t *golden_model_ids(json_t *golden, const char *key, size_t *n)
{
    json_t *ids = golden_at(golden, key);
    *n = json_array_size(ids);
    int32_t *out = calloc(*n, sizeof *out);
    for (size_t i = 0; i < *n; i++)
        out[i] = (int32_t)json_integer_value(json_array_get(ids, i));
    return out;
}

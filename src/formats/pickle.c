#include "formats/pickle.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "formats/table.h"

enum { STACK_MAX = 1 << 24, LINE_MAX_BYTES = 256 };

enum call { CALL_NONE, CALL_DICT, CALL_TENSOR, CALL_PARAMETER, CALL_SIZE };

struct pickle_global {
    const char *module, *name;
    enum call call;
    int dtype; /* -1: no storage */
};

static const struct pickle_global globals[] = {
    {"collections", "OrderedDict", CALL_DICT, -1},
    {"torch._utils", "_rebuild_tensor_v2", CALL_TENSOR, -1},
    {"torch._utils", "_rebuild_tensor", CALL_TENSOR, -1},
    {"torch._utils", "_rebuild_parameter", CALL_PARAMETER, -1},
    {"torch", "Size", CALL_SIZE, -1},
    {"torch", "FloatStorage", CALL_NONE, DTYPE_F32},
    {"torch", "HalfStorage", CALL_NONE, DTYPE_F16},
    {"torch", "BFloat16Storage", CALL_NONE, DTYPE_BF16},
    {"torch", "DoubleStorage", CALL_NONE, DTYPE_F64},
    {"torch", "LongStorage", CALL_NONE, DTYPE_I64},
    {"torch", "IntStorage", CALL_NONE, DTYPE_I32},
    {"torch", "ShortStorage", CALL_NONE, DTYPE_I16},
    {"torch", "CharStorage", CALL_NONE, DTYPE_I8},
    {"torch", "ByteStorage", CALL_NONE, DTYPE_U8},
    {"torch", "BoolStorage", CALL_NONE, DTYPE_BOOL},
};

struct machine {
    const uint8_t *bytes;
    size_t size, at;
    const char *path;
    struct arena *arena;
    struct err *err;
    struct pickle_value **stack, **memo;
    size_t n, cap, n_memo, cap_memo;
};

static struct pickle_value none = {.kind = PICKLE_NONE}, mark = {.kind = PICKLE_MARK};

static int fail(struct machine *m, const char *what)
{
    return err_set(m->err, ERR_INPUT, "'%s': pickle, byte %zu: %s", m->path, m->at, what);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static int take(struct machine *m, const uint8_t **out, uint64_t n)
{
    if (n > m->size - m->at)
        return fail(m, "it ends within an instruction");
    *out = m->bytes + m->at;
    m->at += (size_t)n;
    return 0;
}

/* An unsigned little-endian number of n bytes. */
static int take_number(struct machine *m, uint64_t *out, int n)
{
    const uint8_t *p = NULL;
    TRY(take(m, &p, (uint64_t)n));
    *out = 0;
    for (int i = n; i-- > 0;)
        *out = *out << 8 | p[i];
    return 0;
}

/* A line without its end. */
static int take_line(struct machine *m, const char **out, size_t *len)
{
    const uint8_t *start = m->bytes + m->at, *end = memchr(start, '\n', m->size - m->at);
    if (!end || end - start > LINE_MAX_BYTES)
        return fail(m, "a line without an end");
    *out = (const char *)start;
    *len = (size_t)(end - start);
    m->at += *len + 1;
    return 0;
}

/* ---- the stack --------------------------------------------------------------------------------------------------- */

static struct pickle_value *make(struct machine *m, enum pickle_kind kind)
{
    struct pickle_value *v = arena_alloc(m->arena, 1, sizeof *v, m->err);
    if (v)
        v->kind = kind;
    return v;
}

static int push(struct machine *m, struct pickle_value *v)
{
    if (!v)
        return -1;
    if (m->n == STACK_MAX)
        return fail(m, "the stack is too deep");
    TRY(mem_grow(&m->stack, &m->cap, m->n, sizeof *m->stack, m->err));
    m->stack[m->n++] = v;
    return 0;
}

static int pop(struct machine *m, struct pickle_value **out)
{
    if (m->n == 0 || m->stack[m->n - 1]->kind == PICKLE_MARK)
        return fail(m, "it takes from an empty stack");
    *out = m->stack[--m->n];
    return 0;
}

/* The values above the last mark: they stay on the stack at m->stack + *from until m->n is set back. */
static int above_mark(struct machine *m, size_t *from)
{
    size_t i = m->n;
    while (i > 0 && m->stack[i - 1]->kind != PICKLE_MARK)
        i--;
    if (i == 0)
        return fail(m, "there is no mark on the stack");
    *from = i;
    return 0;
}

static int push_int(struct machine *m, int64_t i)
{
    struct pickle_value *v = make(m, PICKLE_INT);
    if (v)
        v->i = i;
    return push(m, v);
}

static int push_text(struct machine *m, int length_bytes)
{
    uint64_t n = 0;
    const uint8_t *p = NULL;
    TRY(take_number(m, &n, length_bytes));
    TRY(take(m, &p, n));
    struct pickle_value *v = make(m, PICKLE_TEXT);
    if (v) {
        v->text.data = (const char *)p;
        v->text.len = (size_t)n;
    }
    return push(m, v);
}

/* Two's complement of any length; what does not fit 64 bits is no size of anything. */
static int push_long(struct machine *m, int length_bytes)
{
    uint64_t n = 0, v = 0;
    const uint8_t *p = NULL;
    TRY(take_number(m, &n, length_bytes));
    if (n > 8)
        return fail(m, "an integer of more than 64 bits");
    TRY(take(m, &p, n));
    for (size_t i = (size_t)n; i-- > 0;)
        v = v << 8 | p[i];
    if (n > 0 && n < 8 && p[n - 1] & 0x80)
        v |= UINT64_MAX << (8 * n);
    return push_int(m, (int64_t)v);
}

static int add_items(struct machine *m, struct pickle_value *list, struct pickle_value **items, size_t n)
{
    size_t cap = list->list.cap;
    if (list->list.n + n > cap) {
        cap = 2 * (list->list.n + n);
        struct pickle_value **grown = arena_alloc(m->arena, cap, sizeof *grown, m->err);
        if (!grown)
            return -1;
        if (list->list.n > 0)
            memcpy(grown, list->list.items, list->list.n * sizeof *grown);
        list->list.items = grown;
        list->list.cap = cap;
    }
    if (n > 0)
        memcpy(list->list.items + list->list.n, items, n * sizeof *items);
    list->list.n += n;
    return 0;
}

/* The n topmost values become one container. */
static int gather(struct machine *m, enum pickle_kind kind, size_t n)
{
    struct pickle_value *v = make(m, kind);
    if (n > m->n)
        return fail(m, "it takes from an empty stack");
    for (size_t i = m->n - n; i < m->n; i++)
        if (m->stack[i]->kind == PICKLE_MARK)
            return fail(m, "it takes from an empty stack");
    if (!v || add_items(m, v, m->stack + m->n - n, n) < 0)
        return -1;
    m->n -= n;
    return push(m, v);
}

static int gather_marked(struct machine *m, enum pickle_kind kind)
{
    size_t from = 0;
    TRY(above_mark(m, &from));
    if (kind == PICKLE_DICT && (m->n - from) % 2 != 0)
        return fail(m, "a dict of an odd number of keys and values");
    TRY(gather(m, kind, m->n - from));
    m->stack[m->n - 2] = m->stack[m->n - 1]; /* over the mark */
    m->n--;
    return 0;
}

/* The values above the mark (or the topmost n) go into the container below them. */
static int put_into(struct machine *m, enum pickle_kind kind, size_t from, bool marked)
{
    size_t below = marked ? 1 : 0, n = m->n - from;
    if (from < below + 1 || m->stack[from - below - 1]->kind != kind)
        return fail(m, kind == PICKLE_LIST ? "it appends to what is no list" : "it sets items of what is no dict");
    if (kind == PICKLE_DICT && n % 2 != 0)
        return fail(m, "a dict of an odd number of keys and values");
    TRY(add_items(m, m->stack[from - below - 1], m->stack + from, n));
    m->n = from - below;
    return 0;
}

static int put_marked(struct machine *m, enum pickle_kind kind)
{
    size_t from = 0;
    TRY(above_mark(m, &from));
    return put_into(m, kind, from, true);
}

static int put_top(struct machine *m, enum pickle_kind kind, size_t n)
{
    if (m->n < n + 1)
        return fail(m, "it takes from an empty stack");
    return put_into(m, kind, m->n - n, false);
}

/* ---- the memo ---------------------------------------------------------------------------------------------------- */

/* Every writer counts from 0: a place further on is an attempt to have memory reserved. */
static int remember(struct machine *m, uint64_t place)
{
    if (m->n == 0 || m->stack[m->n - 1]->kind == PICKLE_MARK)
        return fail(m, "it remembers what is not there");
    if (place > m->n_memo)
        return err_set(m->err, ERR_INPUT, "'%s': pickle, byte %zu: memo place %llu when %zu are taken", m->path, m->at,
                       (unsigned long long)place, m->n_memo);
    if (place == m->n_memo) {
        TRY(mem_grow(&m->memo, &m->cap_memo, m->n_memo, sizeof *m->memo, m->err));
        m->n_memo++;
    }
    m->memo[place] = m->stack[m->n - 1];
    return 0;
}

static int recall(struct machine *m, int bytes)
{
    uint64_t place = 0;
    TRY(take_number(m, &place, bytes));
    if (place >= m->n_memo)
        return fail(m, "it recalls what was never remembered");
    return push(m, m->memo[place]);
}

static int remember_at(struct machine *m, int bytes)
{
    uint64_t place = 0;
    TRY(take_number(m, &place, bytes));
    return remember(m, place);
}

/* ---- globals ----------------------------------------------------------------------------------------------------- */

static int push_global(struct machine *m, const char *module, size_t module_len, const char *name, size_t name_len)
{
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++) {
        const struct pickle_global *g = &globals[i];
        if (strlen(g->module) != module_len || memcmp(g->module, module, module_len) != 0 || strlen(g->name) != name_len ||
            memcmp(g->name, name, name_len) != 0)
            continue;
        struct pickle_value *v = make(m, PICKLE_GLOBAL);
        if (v)
            v->global = g;
        return push(m, v);
    }
    err_set(m->err, ERR_UNSUPPORTED, "'%s': pickle, byte %zu: it asks for '%s.%s', which is not what weights are made of", m->path,
            m->at, shown(module, module_len).text, shown(name, name_len).text);
    return err_hint(m->err, "a pickle can run any program when Python loads it: ask its author for safetensors");
}

static int global(struct machine *m)
{
    const char *module, *name;
    size_t module_len, name_len;
    TRY(take_line(m, &module, &module_len));
    TRY(take_line(m, &name, &name_len));
    return push_global(m, module, module_len, name, name_len);
}

static int stack_global(struct machine *m)
{
    struct pickle_value *name, *module;
    TRY(pop(m, &name));
    TRY(pop(m, &module));
    if (name->kind != PICKLE_TEXT || module->kind != PICKLE_TEXT)
        return fail(m, "a global without a name");
    return push_global(m, module->text.data, module->text.len, name->text.data, name->text.len);
}

static bool is_sizes(const struct pickle_value *v)
{
    if (v->kind != PICKLE_TUPLE)
        return false;
    for (size_t i = 0; i < v->list.n; i++)
        if (v->list.items[i]->kind != PICKLE_INT || v->list.items[i]->i < 0)
            return false;
    return true;
}

/* (storage, offset, size, stride, ...) */
static int make_tensor(struct machine *m, const struct pickle_value *args)
{
    struct pickle_value **a = args->list.items;
    if (args->list.n < 4 || a[0]->kind != PICKLE_STORAGE || a[1]->kind != PICKLE_INT || a[1]->i < 0 || !is_sizes(a[2]) ||
        !is_sizes(a[3]) || a[2]->list.n != a[3]->list.n)
        return fail(m, "a tensor is made of something else than storage, offset, size and stride");
    struct pickle_value *v = make(m, PICKLE_TENSOR);
    if (v) {
        v->tensor.storage = a[0];
        v->tensor.offset = (uint64_t)a[1]->i;
        v->tensor.size = a[2];
        v->tensor.stride = a[3];
    }
    return push(m, v);
}

static int reduce(struct machine *m)
{
    struct pickle_value *args, *callee;
    TRY(pop(m, &args));
    TRY(pop(m, &callee));
    if (callee->kind != PICKLE_GLOBAL || args->kind != PICKLE_TUPLE)
        return fail(m, "it calls what is no function");
    switch (callee->global->call) {
    case CALL_DICT:
        return args->list.n == 0 ? push(m, make(m, PICKLE_DICT)) : fail(m, "an OrderedDict that is made of something");
    case CALL_TENSOR:
        return make_tensor(m, args);
    case CALL_PARAMETER:
        if (args->list.n < 1 || args->list.items[0]->kind != PICKLE_TENSOR)
            return fail(m, "a parameter that is no tensor");
        return push(m, args->list.items[0]);
    case CALL_SIZE:
        if (args->list.n != 1 || !is_sizes(args->list.items[0]))
            return fail(m, "a torch.Size that is no tuple of sizes");
        return push(m, args->list.items[0]);
    case CALL_NONE:
        break;
    }
    return err_set(m->err, ERR_UNSUPPORTED, "'%s': pickle, byte %zu: it calls '%s.%s'", m->path, m->at, callee->global->module,
                   callee->global->name);
}

/* ('storage', type, key, where it was, number of values) */
static int persistent(struct machine *m)
{
    struct pickle_value *id;
    TRY(pop(m, &id));
    struct pickle_value **a = id->kind == PICKLE_TUPLE ? id->list.items : NULL;
    if (!a || id->list.n != 5 || !pickle_text_is(a[0], "storage") || a[1]->kind != PICKLE_GLOBAL || a[1]->global->dtype < 0 ||
        a[2]->kind != PICKLE_TEXT || a[4]->kind != PICKLE_INT || a[4]->i < 0)
        return fail(m, "a persistent id that is no storage");
    struct pickle_value *v = make(m, PICKLE_STORAGE);
    if (v) {
        v->storage.type = (enum dtype)a[1]->global->dtype;
        v->storage.key = a[2]->text.data;
        v->storage.key_len = a[2]->text.len;
        v->storage.values = (uint64_t)a[4]->i;
    }
    return push(m, v);
}

/* State of an object: a state dict has its versions there, which no one needs. */
static int build(struct machine *m)
{
    struct pickle_value *state;
    TRY(pop(m, &state));
    if (m->n == 0 || m->stack[m->n - 1]->kind != PICKLE_DICT)
        return fail(m, "it gives state to what is no dict");
    return 0;
}

/* ---- instructions ------------------------------------------------------------------------------------------------ */

static int push_bool(struct machine *m, bool b)
{
    struct pickle_value *v = make(m, PICKLE_BOOL);
    if (v)
        v->i = b;
    return push(m, v);
}

static int push_float(struct machine *m)
{
    const uint8_t *p = NULL;
    uint64_t bits = 0;
    TRY(take(m, &p, 8));
    for (int i = 0; i < 8; i++) /* the one number that is big-endian */
        bits = bits << 8 | p[i];
    struct pickle_value *v = make(m, PICKLE_FLOAT);
    if (v)
        memcpy(&v->f, &bits, sizeof bits);
    return push(m, v);
}

static int push_unsigned(struct machine *m, int bytes)
{
    uint64_t v = 0;
    TRY(take_number(m, &v, bytes));
    return push_int(m, bytes == 4 ? (int32_t)(uint32_t)v : (int64_t)v);
}

static int protocol(struct machine *m)
{
    uint64_t v = 0;
    TRY(take_number(m, &v, 1));
    if (v >= 2 && v <= 5)
        return 0;
    return err_set(m->err, ERR_UNSUPPORTED, "'%s': pickle protocol %llu, expected 2 to 5", m->path, (unsigned long long)v);
}

static int pop_mark(struct machine *m)
{
    size_t from = 0;
    TRY(above_mark(m, &from));
    m->n = from - 1;
    return 0;
}

static int skip(struct machine *m, int bytes)
{
    const uint8_t *p = NULL;
    return take(m, &p, (uint64_t)bytes);
}

static int drop(struct machine *m)
{
    struct pickle_value *v;
    return pop(m, &v);
}

/* Those that exist and are not taken, for messages. */
static const struct {
    uint8_t op;
    const char *name;
} refused[] = {
    {'I', "INT"}, {'L', "LONG"}, {'F', "FLOAT"}, {'S', "STRING"}, {'V', "UNICODE"}, {'p', "PUT"}, {'g', "GET"}, {'i', "INST"},
    {'o', "OBJ"}, {'P', "PERSID"}, {'2', "DUP"}, {0x81, "NEWOBJ"}, {0x92, "NEWOBJ_EX"}, {0x82, "EXT1"}, {0x83, "EXT2"},
    {0x84, "EXT4"}, {0x8f, "EMPTY_SET"}, {0x90, "ADDITEMS"}, {0x91, "FROZENSET"}, {0x96, "BYTEARRAY8"}, {0x97, "NEXT_BUFFER"},
    {0x98, "READONLY_BUFFER"},
};

static int refuse(struct machine *m, uint8_t op)
{
    const char *name = "no instruction of any protocol";
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        name = refused[i].op == op ? refused[i].name : name;
    return err_set(m->err, ERR_UNSUPPORTED, "'%s': pickle, byte %zu: instruction 0x%02x (%s) is not one that weights need", m->path,
                   m->at - 1, op, name);
}

static int step(struct machine *m, uint8_t op)
{
    switch (op) {
    case 0x80: return protocol(m);
    case 0x95: return skip(m, 8); /* FRAME */
    case '(': return push(m, &mark);
    case 'N': return push(m, &none);
    case 0x88: return push_bool(m, true);
    case 0x89: return push_bool(m, false);
    case 'K': return push_unsigned(m, 1);
    case 'M': return push_unsigned(m, 2);
    case 'J': return push_unsigned(m, 4);
    case 0x8a: return push_long(m, 1);
    case 0x8b: return push_long(m, 4);
    case 'G': return push_float(m);
    case 'U': case 0x8c: case 'C': return push_text(m, 1);
    case 'T': case 'X': case 'B': return push_text(m, 4);
    case 0x8d: case 0x8e: return push_text(m, 8);
    case ')': return push(m, make(m, PICKLE_TUPLE));
    case ']': return push(m, make(m, PICKLE_LIST));
    case '}': return push(m, make(m, PICKLE_DICT));
    case 0x85: return gather(m, PICKLE_TUPLE, 1);
    case 0x86: return gather(m, PICKLE_TUPLE, 2);
    case 0x87: return gather(m, PICKLE_TUPLE, 3);
    case 't': return gather_marked(m, PICKLE_TUPLE);
    case 'l': return gather_marked(m, PICKLE_LIST);
    case 'd': return gather_marked(m, PICKLE_DICT);
    case 'a': return put_top(m, PICKLE_LIST, 1);
    case 'e': return put_marked(m, PICKLE_LIST);
    case 's': return put_top(m, PICKLE_DICT, 2);
    case 'u': return put_marked(m, PICKLE_DICT);
    case 'q': return remember_at(m, 1);
    case 'r': return remember_at(m, 4);
    case 0x94: return remember(m, m->n_memo);
    case 'h': return recall(m, 1);
    case 'j': return recall(m, 4);
    case 'c': return global(m);
    case 0x93: return stack_global(m);
    case 'R': return reduce(m);
    case 'b': return build(m);
    case 'Q': return persistent(m);
    case '0': return drop(m);
    case '1': return pop_mark(m);
    default: return refuse(m, op);
    }
}

int pickle_read(struct pickle_value **out, const uint8_t *bytes, size_t size, const char *path, struct arena *arena,
                struct err *err)
{
    struct machine m = {.bytes = bytes, .size = size, .path = path, .arena = arena, .err = err};
    int rc = 0;
    while (rc == 0) {
        if (m.at == m.size) {
            rc = fail(&m, "it ends without STOP");
        } else if (m.bytes[m.at] == '.') {
            rc = m.n == 1 && m.stack[0]->kind != PICKLE_MARK ? 1 : fail(&m, "it stops with other than one value");
        } else {
            uint8_t op = m.bytes[m.at++];
            rc = step(&m, op);
        }
    }
    if (rc > 0)
        *out = m.stack[0];
    free(m.stack);
    free(m.memo);
    return rc > 0 ? 0 : -1;
}

bool pickle_text_is(const struct pickle_value *v, const char *text)
{
    return v->kind == PICKLE_TEXT && v->text.len == strlen(text) && memcmp(v->text.data, text, v->text.len) == 0;
}

const struct pickle_value *pickle_get(const struct pickle_value *dict, const char *key)
{
    for (size_t i = dict->kind == PICKLE_DICT ? dict->list.n / 2 : 0; i-- > 0;)
        if (pickle_text_is(dict->list.items[2 * i], key))
            return dict->list.items[2 * i + 1];
    return NULL;
}

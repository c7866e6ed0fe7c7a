/* pickle.h - the pickle inside a PyTorch file, read and never executed. Private to formats/.
 *
 * A pickle is a program for a small machine with a stack and a memo. This machine knows what a state dict of tensors and plain
 * containers needs, protocols 2 to 5; any other instruction, and any global but those below, is an error that names it. No global
 * is looked up anywhere: it is a word with a meaning here, or refused.
 *
 *     collections.OrderedDict   torch._utils._rebuild_tensor_v2, _rebuild_tensor, _rebuild_parameter   torch.Size
 *     torch.FloatStorage, HalfStorage, BFloat16Storage, DoubleStorage, LongStorage, IntStorage, ShortStorage, CharStorage,
 *     ByteStorage, BoolStorage
 *
 * Memory is in proportion to the pickle: values are made one for an instruction, texts are borrowed. Containers may hold themselves
 * (the memo allows it): who walks them must not follow blindly.
 */
#ifndef FORMATS_PICKLE_H
#define FORMATS_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/dtype.h"

enum pickle_kind {
    PICKLE_NONE, PICKLE_BOOL, PICKLE_INT, PICKLE_FLOAT, PICKLE_TEXT, PICKLE_TUPLE, PICKLE_LIST, PICKLE_DICT, PICKLE_GLOBAL,
    PICKLE_STORAGE, PICKLE_TENSOR, PICKLE_MARK,
};

struct pickle_value {
    enum pickle_kind kind;
    union {
        int64_t i;
        double f;
        struct {
            const char *data; /* not NUL-terminated */
            size_t len;
        } text;
        struct { /* tuple, list; a dict has keys and values in turn */
            struct pickle_value **items;
            size_t n, cap;
        } list;
        const struct pickle_global *global;
        struct {
            enum dtype type;
            const char *key;
            size_t key_len;
            uint64_t values;
        } storage;
        struct {
            const struct pickle_value *storage;
            uint64_t offset; /* all in values */
            const struct pickle_value *size, *stride; /* tuples of as many integers */
        } tensor;
    };
};

/* What the pickle is, in the arena; it borrows from `bytes`. `path` stands for it in messages. */
int pickle_read(struct pickle_value **out, const uint8_t *bytes, size_t size, const char *path, struct arena *arena,
                struct err *err);

bool pickle_text_is(const struct pickle_value *v, const char *text);
/* The value of a text key in a dict, or NULL; the last of equal ones, as in Python. */
const struct pickle_value *pickle_get(const struct pickle_value *dict, const char *key);

#endif

/* span.h - a part of a text: bytes from .. to, `to` not included. */
#ifndef TOKENIZERS_SPAN_H
#define TOKENIZERS_SPAN_H

#include <stddef.h>

struct span {
    size_t from, to;
};

#endif

/* meta_llama.h - Llama as Meta and llama2.c's trainer save it: other names, params.json or the pickle instead of config.json. */
#ifndef FORMATS_META_LLAMA_H
#define FORMATS_META_LLAMA_H

#include "formats/pickle.h"
#include "formats/table.h"

/* When the table has no config.json and its tensors have Meta's names, gives them transformers' and makes up a config, from
 * params.json beside the file or from "model_args" in the pickle. Else does nothing. */
int meta_llama_adopt(struct model_file *f, const struct pickle_value *root, struct err *err);

#endif

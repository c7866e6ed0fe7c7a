/* Kinds of tokenizer files, in the order in which they are asked: VOCABULARY(NAME) is vocabulary_NAME. (GGUF, which is a
 * model's file first, is opened by formats/ and read by gguf_vocab.c.) */
VOCABULARY(json)
VOCABULARY(llama2c)
VOCABULARY(sentencepiece)

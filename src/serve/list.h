/* The dialects that a double can speak: DIALECT(NAME) is dialect_NAME in d_NAME.c. */
DIALECT(llamacpp)
DIALECT(lemonade)
DIALECT(vllm)
DIALECT(sglang)
DIALECT(ollama)
DIALECT(mlc)
DIALECT(openai)

/* The architectures: ARCH(NAME) is arch_NAME in NAME.c. Read twice: once for `extern`, once for the table. */
ARCH(llama)
ARCH(mistral)
ARCH(qwen2)
ARCH(qwen3)
ARCH(gpt2)
ARCH(opt)

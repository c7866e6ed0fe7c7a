/* The formats of one file, in the order they are asked. Read twice: once for `extern`, once for the table. */
FORMAT(gguf)
FORMAT(safetensors)
FORMAT(pytorch)
FORMAT(llama2c)

/* Every engine that this program can drive, in the order in which lists show them: ENGINE(NAME) is engine_NAME in
 * NAME.c of this folder. A name of the design that has no line here yet stands in engine_name.c. */
ENGINE(native)
ENGINE(fake)
ENGINE(transformers)
ENGINE(pytorch)
ENGINE(llamacpp)
ENGINE(lemonade)
ENGINE(vllm)
ENGINE(sglang)
ENGINE(ollama)
ENGINE(mlc)
ENGINE(openai)

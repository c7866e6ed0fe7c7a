/* The actions of `prony model`: MODEL_ACTION(NAME) is model_NAME in model_NAME.c. */
MODEL_ACTION(info)
MODEL_ACTION(tokenize)
MODEL_ACTION(detokenize)
MODEL_ACTION(verify)
MODEL_ACTION(logits)
MODEL_ACTION(convert)
MODEL_ACTION(quantize)
MODEL_ACTION(synth)

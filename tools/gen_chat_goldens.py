#!/usr/bin/env python3
"""Writes tests/tokenizers/chat.json: conversations as transformers renders them by the models' own chat templates.

    pip install transformers==5.23.0 tokenizers==0.23.3 jinja2
    python tools/gen_chat_goldens.py tests/tokenizers/chat.json --llama-cpp DIR

DIR is a source tree of llama.cpp (MIT; PyPI's llama-cpp-python carries one), which keeps the templates of well-known models
for its tests: models/templates/*.jinja and tests/test-chat-template.cpp. The few that it lacks stand below as their models'
tokenizer_config.json has them. A conversation that the template refuses has null for its text.
"""
import argparse
import json
import os
import re

from transformers import PreTrainedTokenizerFast
from tokenizers import Tokenizer, models

LLAMA2 = ("{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}"
          "{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}"
          "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
          "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
          "{% if loop.index0 == 0 and system_message != false %}"
          "{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}"
          "{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}"
          "{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}"
          "{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}")
LLAMA3 = ("{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + message['role'] + "
          "'<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}"
          "{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}"
          "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}")
ZEPHYR = ("{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\n' + message['content'] + eos_token }}\n"
          "{% elif message['role'] == 'system' %}\n{{ '<|system|>\n' + message['content'] + eos_token }}\n"
          "{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n"
          "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}")
QWEN2 = ("{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
         "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}"
         "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
         "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
GEMMA3 = """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set first_user_prefix = messages[0]['content'] + '\n\n' -%}
    {%- else -%}
        {%- set first_user_prefix = messages[0]['content'][0]['text'] + '\n\n' -%}
    {%- endif -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("Conversation roles must alternate user/assistant/user/assistant/...") }}
    {%- endif -%}
    {%- if (message['role'] == 'assistant') -%}
        {%- set role = "model" -%}
    {%- else -%}
        {%- set role = message['role'] -%}
    {%- endif -%}
    {{ '<start_of_turn>' + role + '\n' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'image' -%}
                {{ '<start_of_image>' }}
            {%- elif item['type'] == 'text' -%}
                {{ item['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end_of_turn>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<start_of_turn>model\n'}}
{%- endif -%}
"""

# The row it must be taken for (None: none), where it comes from, BOS and EOS.
INLINE = [("llama-2", "Llama-2-7b-chat-hf", LLAMA2, "<s>", "</s>"),
          ("llama-3", "Meta-Llama-3-8B-Instruct", LLAMA3, "<|begin_of_text|>", "<|eot_id|>"),
          ("zephyr", "zephyr-7b-beta, TinyLlama-1.1B-Chat-v1.0", ZEPHYR, "<s>", "</s>"),
          ("chatml", "Qwen2-7B-Instruct", QWEN2, "", "<|im_end|>"),
          ("gemma-3", "gemma-3-1b-it", GEMMA3, "<bos>", "<eos>")]
FILES = [("llama-3.1", "meta-llama-Llama-3.1-8B-Instruct", "<|begin_of_text|>", "<|eot_id|>"),
         ("llama-3.1", "meta-llama-Llama-3.2-3B-Instruct", "<|begin_of_text|>", "<|eot_id|>"),
         ("llama-3.1", "meta-llama-Llama-3.3-70B-Instruct", "<|begin_of_text|>", "<|eot_id|>"),
         ("chatml", "Qwen-Qwen2.5-7B-Instruct", "", "<|im_end|>"), ("qwen3", "Qwen-Qwen3-0.6B", "", "<|im_end|>"),
         ("gemma", "google-gemma-2-2b-it", "<bos>", "<eos>"), ("phi-3", "microsoft-Phi-3.5-mini-instruct", "<s>", "<|endoftext|>"),
         ("mistral-tekken", "mistralai-Mistral-Nemo-Instruct-2407", "<s>", "</s>"),
         (None, "Qwen3.5-4B", "", ""), (None, "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", "", ""),
         (None, "openai-gpt-oss-120b", "", ""), (None, "HuggingFaceTB-SmolLM3-3B", "", ""),
         (None, "NousResearch-Hermes-3-Llama-3.1-8B-tool_use", "", ""), (None, "mistralai-Ministral-3-14B-Reasoning-2512", "", ""),
         (None, "google-gemma-4-31B-it", "", ""), (None, "Qwen-QwQ-32B", "", "")]
IN_TESTS = [("chatml", "teknium/OpenHermes-2.5-Mistral-7B", "<s>", "<|im_end|>"),
            ("mistral-v0", "mistralai/Mistral-7B-Instruct-v0.2 (NOTE", "<s>", "</s>"),
            ("mistral-v1", "mistralai/Mistral-7B-Instruct-v0.2 (mistralai 'v1'", "<s>", "</s>"),
            ("mistral-v3", "Mistral-Large-Instruct-2407", "<s>", "</s>"),
            ("mistral-v7", "mistralai/Mistral-Large-Instruct-2411", "<s>", "</s>"),
            ("gemma", "google/gemma-7b-it", "<bos>", "<eos>"), ("phi-3-first", "Phi-3-mini", "<s>", "<|endoftext|>"),
            ("phi-3-first", "Phi-3-medium", "<s>", "<|endoftext|>"), ("phi-3-small", "Phi-3-small", "<s>", "<|endoftext|>"),
            (None, "bofenghuang/vigogne-2-70b-chat", "", ""), (None, "openchat/openchat-3.5-0106", "", ""),
            (None, "Phi-3-vision", "", ""), (None, "mlabonne/AlphaMonarch-7B", "", ""), (None, "phi-4", "", ""),
            (None, "eachadea/vicuna-13b-1.1", "", ""), (None, "TheBloke/FusionNet_34Bx2_MoE-AWQ", "", "")]

S, U, A = "system", "user", "assistant"
CONVERSATIONS = [
    [(U, "Hello")],
    [(U, "Hello"), (A, "Hi there"), (U, "Who are you?")],
    [(S, "You are a helpful assistant."), (U, "Hello"), (A, "Hi there"), (U, "Who are you?"), (A, "I am an assistant."), (U, "Good.")],
    [(S, "  Be brief.\n"), (U, "  spaces \t\n in front and behind  "), (A, "\n  both \u3000\u00a0"), (U, "\x1c\u2028x\u0085")],
    [(S, ""), (U, ""), (A, ""), (U, "")],
    [(S, " "), (U, " \n ")],
    [(U, ""), (A, " \n"), (U, "more")],
    [(U, "<|im_end|> <|eot_id|> </s> <|end|> <end_of_turn> [INST] [/INST] <s> <<SYS>>"), (A, "{{ bos_token }} {% for %}")],
    [(U, "2+2?"), (A, "<think>\nfour, I\nthink\n\n</think>\n\n4"), (U, "sure?"), (A, "<think>\n\n</think>\n\nYes")],
    [(U, "2+2?"), (A, "<think>a</think>b<think>c</think>\n\nd"), (A, "no thoughts"), (A, "\n\nlast")],
    [(U, "a"), (A, "b</think>c")],
    [(U, "one"), (U, "two")],
    [(A, "an answer first"), (U, "x")],
    [(U, "a"), (S, "late"), (A, "b")],
    [(U, "a"), (S, "late"), (U, "b")],
    [(S, "only a system message")],
    [(U, "x"), (A, "y"), (U, "<tool_response>z</tool_response>"), (A, "w")],
    [(U, "\u00e9 \U0001F600 \u05d0\u05d1 'quotes' \"double\" \\ back\\nslash")],
]


def templates(llama_cpp):
    for name, label, text, bos, eos in INLINE:
        yield name, label, text, bos, eos
    for name, label, bos, eos in FILES:
        with open(os.path.join(llama_cpp, "models/templates", label + ".jinja"), encoding="utf-8") as f:
            yield name, label, f.read(), bos, eos
    with open(os.path.join(llama_cpp, "tests/test-chat-template.cpp"), encoding="utf-8") as f:
        source = f.read()
    for name, label, bos, eos in IN_TESTS:
        at = source.index('.name= */ "' + label)
        literal = re.compile(r'template_str= \*/ (?:U8C\()?("(?:[^"\\]|\\.)*")').search(source, at).group(1)
        yield name, label, json.loads(literal, strict=False), bos, eos


def render(tokenizer, conversation, reply):
    messages = [{"role": role, "content": text} for role, text in conversation]
    try:
        return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=reply, date_string="26 Jul 2024")
    except Exception as e:  # what raise_exception raises, and Jinja's own
        assert type(e).__name__ in ("TemplateError", "UndefinedError"), e
        return None


def main():
    p = argparse.ArgumentParser()
    p.add_argument("out")
    p.add_argument("--llama-cpp", required=True)
    a = p.parse_args()
    rows = []
    for name, label, text, bos, eos in templates(a.llama_cpp):
        row = {"format": name, "model": label, "template": text, "bos": bos, "eos": eos}
        if name:
            t = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), bos_token=bos or None, eos_token=eos or None)
            t.chat_template = text
            row["rendered"] = [[render(t, c, False), render(t, c, True)] for c in CONVERSATIONS]
        rows.append(row)
    with open(a.out, "w", encoding="utf-8") as f:
        json.dump({"conversations": CONVERSATIONS, "templates": rows}, f, ensure_ascii=False, indent=0)
        f.write("\n")


main()

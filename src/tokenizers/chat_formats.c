#include "tokenizers/chat_formats.h"

#include <string.h>

#include "base/mem.h"
#include "tokenizers/unicode.h"

#define LIST(...) (const char *const[]){__VA_ARGS__, NULL}

/* ---- what the rows are written with ------------------------------------------------------------------------------- */

static void say(struct chat_writer *w, const char *text)
{
    buf_str(&w->out->text, text);
}

static int quote_part(struct chat_writer *w, const char *text, size_t len)
{
    struct chat_text *out = w->out;
    if (len == 0)
        return 0;
    TRY(mem_grow(&out->words, &out->cap, out->n_words, sizeof *out->words, w->err));
    out->words[out->n_words++] = (struct span){out->text.len, out->text.len + len};
    buf_add(&out->text, text, len);
    return 0;
}

static int quote(struct chat_writer *w, const struct chat_message *m)
{
    return quote_part(w, m->text, m->len);
}

/* What Python's str.strip takes away: Unicode's white space and four separators of ASCII. */
static bool is_space(uint32_t cp)
{
    return (unicode_bits(cp) & UC_SPACE) || (cp >= 0x1C && cp <= 0x1F);
}

static size_t space_in_front(const char *s, size_t len)
{
    size_t at = 0;
    uint32_t cp;
    while (at < len) {
        size_t n = utf8_next(s + at, &cp);
        if (!is_space(cp))
            break;
        at += n;
    }
    return at;
}

static size_t without_space_behind(const char *s, size_t len)
{
    uint32_t cp;
    while (len > 0) {
        size_t back = len - 1;
        while (back > 0 && ((unsigned char)s[back] & 0xC0) == 0x80)
            back--;
        utf8_next(s + back, &cp);
        if (!is_space(cp))
            break;
        len = back;
    }
    return len;
}

static int quote_trimmed(struct chat_writer *w, const struct chat_message *m)
{
    size_t from = space_in_front(m->text, m->len), to = without_space_behind(m->text, m->len);
    return from < to ? quote_part(w, m->text + from, to - from) : 0;
}

static const char *role_name(enum chat_role role)
{
    static const char *const names[] = {"system", "user", "assistant"};
    return names[role];
}

static bool has_system(const struct chat_writer *w)
{
    return w->n > 0 && w->messages[0].role == CHAT_SYSTEM;
}

/* After a system message that may stand in front, questions and answers take turns: what most templates insist on. */
static int check_turns(const struct chat_writer *w)
{
    size_t first = has_system(w);
    for (size_t i = first; i < w->n; i++)
        if ((w->messages[i].role == CHAT_USER) != ((i - first) % 2 == 0))
            return err_set(w->err, ERR_INPUT,
                           "message %zu is from '%s': in the chat template '%s' user and assistant take turns, the user first",
                           i + 1, role_name(w->messages[i].role), chat_style_name(w->style));
    return 0;
}

static void say_bos(struct chat_writer *w)
{
    if (w->style->bos)
        say(w, w->bos);
}

/* ---- the built-in models -------------------------------------------------------------------------------------------- */

static int render_prony(struct chat_writer *w)
{
    say(w, w->bos);
    for (size_t i = 0; i < w->n; i++) {
        say(w, "<|");
        say(w, role_name(w->messages[i].role));
        say(w, "|>");
        TRY(quote(w, &w->messages[i]));
        say(w, "<|end|>");
    }
    if (w->reply)
        say(w, "<|assistant|>");
    return 0;
}

/* ---- ChatML and Qwen ------------------------------------------------------------------------------------------------- */

static int chatml_turn(struct chat_writer *w, const struct chat_message *m)
{
    say(w, "<|im_start|>");
    say(w, role_name(m->role));
    say(w, "\n");
    TRY(quote(w, m));
    say(w, "<|im_end|>\n");
    return 0;
}

static int render_chatml(struct chat_writer *w)
{
    say_bos(w);
    if (w->style->system[0] && !has_system(w)) {
        say(w, "<|im_start|>system\n");
        say(w, w->style->system);
        say(w, "<|im_end|>\n");
    }
    for (size_t i = 0; i < w->n; i++)
        TRY(chatml_turn(w, &w->messages[i]));
    if (w->reply)
        say(w, "<|im_start|>assistant\n");
    return 0;
}

/* A part of a message without the line ends at its edges. */
static struct chat_message without_lines(struct chat_message m, bool behind)
{
    while (m.len > 0 && m.text[0] == '\n') {
        m.text++;
        m.len--;
    }
    while (behind && m.len > 0 && m.text[m.len - 1] == '\n')
        m.len--;
    return m;
}

static const char *find(const struct chat_message *m, const char *what)
{
    return m->len ? memmem(m->text, m->len, what, strlen(what)) : NULL;
}

/* An answer's thoughts and what was said: "<think>A</think>B". */
static void split_thoughts(const struct chat_message *m, struct chat_message *thoughts, struct chat_message *said)
{
    static const char open[] = "<think>", close[] = "</think>";
    *thoughts = (struct chat_message){.role = m->role, .text = "", .len = 0};
    *said = *m;
    const char *first = find(m, close);
    if (!first)
        return;
    for (const char *p; (p = find(said, close));) {
        said->len -= (size_t)(p - said->text) + strlen(close);
        said->text = p + strlen(close);
    }
    *said = without_lines(*said, false);
    thoughts->text = m->text;
    thoughts->len = (size_t)(first - m->text);
    while (thoughts->len > 0 && thoughts->text[thoughts->len - 1] == '\n')
        thoughts->len--;
    for (const char *p; (p = find(thoughts, open));) {
        thoughts->len -= (size_t)(p - thoughts->text) + strlen(open);
        thoughts->text = p + strlen(open);
    }
    *thoughts = without_lines(*thoughts, false);
}

static bool is_tool_reply(const struct chat_message *m)
{
    static const char open[] = "<tool_response>", close[] = "</tool_response>";
    size_t a = strlen(open), b = strlen(close);
    return m->len >= a && m->len >= b && memcmp(m->text, open, a) == 0 && memcmp(m->text + m->len - b, close, b) == 0;
}

/* Thoughts are forgotten once the user has spoken again. */
static int render_qwen3(struct chat_writer *w)
{
    size_t last_question = w->n ? w->n - 1 : 0;
    for (size_t i = w->n; i-- > 0;) {
        if (w->messages[i].role == CHAT_USER && !is_tool_reply(&w->messages[i])) {
            last_question = i;
            break;
        }
    }
    for (size_t i = 0; i < w->n; i++) {
        if (w->messages[i].role != CHAT_ASSISTANT) {
            TRY(chatml_turn(w, &w->messages[i]));
            continue;
        }
        struct chat_message thoughts, said;
        split_thoughts(&w->messages[i], &thoughts, &said);
        say(w, "<|im_start|>assistant\n");
        if (i > last_question && (i + 1 == w->n || thoughts.len > 0)) {
            thoughts = without_lines(thoughts, true);
            said = without_lines(said, false);
            say(w, "<think>\n");
            TRY(quote(w, &thoughts));
            say(w, "\n</think>\n\n");
        }
        TRY(quote(w, &said));
        say(w, "<|im_end|>\n");
    }
    if (w->reply)
        say(w, "<|im_start|>assistant\n");
    return 0;
}

/* ---- Llama ----------------------------------------------------------------------------------------------------------- */

static int render_llama2(struct chat_writer *w)
{
    size_t first = has_system(w);
    TRY(check_turns(w));
    for (size_t i = first; i < w->n; i++) {
        const struct chat_message *m = &w->messages[i];
        if (m->role == CHAT_SYSTEM) /* in the place of an answer: passed over */
            continue;
        if (m->role == CHAT_ASSISTANT) {
            say(w, " ");
            TRY(quote_trimmed(w, m));
            say(w, " ");
            say(w, w->eos);
            continue;
        }
        say(w, w->bos);
        say(w, "[INST] ");
        if (i == first && first) { /* one text, of which only the ends are trimmed */
            say(w, "<<SYS>>\n");
            TRY(quote(w, &w->messages[0]));
            say(w, "\n<</SYS>>\n\n");
            size_t len = without_space_behind(m->text, m->len);
            if (len == 0) /* the space taken away goes on into the template's own */
                w->out->text.len -= 2;
            TRY(quote_part(w, m->text, len));
        } else {
            TRY(quote_trimmed(w, m));
        }
        say(w, " [/INST]");
    }
    return 0;
}

static int llama3_turn(struct chat_writer *w, const struct chat_message *m)
{
    say(w, "<|start_header_id|>");
    say(w, role_name(m->role));
    say(w, "<|end_header_id|>\n\n");
    TRY(quote_trimmed(w, m));
    say(w, "<|eot_id|>");
    return 0;
}

static int render_llama3(struct chat_writer *w)
{
    if (w->n > 0)
        say(w, w->bos);
    for (size_t i = 0; i < w->n; i++)
        TRY(llama3_turn(w, &w->messages[i]));
    if (w->reply)
        say(w, "<|start_header_id|>assistant<|end_header_id|>\n\n");
    return 0;
}

/* Later templates name today's date. A prompt that changes overnight cannot be measured twice: it is always the day that
 * the template itself falls back on. */
static int render_llama31(struct chat_writer *w)
{
    size_t first = has_system(w);
    say(w, w->bos);
    say(w, "<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n");
    if (first)
        TRY(quote_trimmed(w, &w->messages[0]));
    say(w, "<|eot_id|>");
    for (size_t i = first; i < w->n; i++)
        TRY(llama3_turn(w, &w->messages[i]));
    if (w->reply)
        say(w, "<|start_header_id|>assistant<|end_header_id|>\n\n");
    return 0;
}

/* ---- Mistral --------------------------------------------------------------------------------------------------------- */

enum system_place { NOWHERE, FIRST_QUESTION, LAST_QUESTION };

/* The generations of the template differ in their spaces and in which question carries the system message. */
struct inst {
    const char *open, *close, *answer;
    bool trimmed; /* answers */
    enum system_place system;
};

static int render_inst(struct chat_writer *w, const struct inst *f)
{
    size_t first = has_system(w);
    if (first && f->system == NOWHERE)
        return err_set(w->err, ERR_INPUT, "the chat template '%s' has no place for a system message", chat_style_name(w->style));
    TRY(check_turns(w));
    say(w, w->bos);
    for (size_t i = first; i < w->n; i++) {
        const struct chat_message *m = &w->messages[i];
        if (m->role == CHAT_SYSTEM)
            return err_set(w->err, ERR_INPUT, "message %zu: in the chat template '%s' a system message stands first or not at all",
                           i + 1, chat_style_name(w->style));
        if (m->role == CHAT_ASSISTANT) {
            say(w, f->answer);
            TRY(f->trimmed ? quote_trimmed(w, m) : quote(w, m));
            say(w, w->eos);
            continue;
        }
        say(w, f->open);
        if (first && i == (f->system == FIRST_QUESTION ? first : w->n - 1)) {
            TRY(quote(w, &w->messages[0]));
            say(w, "\n\n");
        }
        TRY(quote(w, m));
        say(w, f->close);
    }
    return 0;
}

static int render_mistral_v0(struct chat_writer *w)
{
    return render_inst(w, &(struct inst){"[INST] ", " [/INST]", "", false, NOWHERE});
}

static int render_mistral_v1(struct chat_writer *w)
{
    return render_inst(w, &(struct inst){" [INST] ", " [/INST]", " ", false, FIRST_QUESTION});
}

static int render_mistral_v3(struct chat_writer *w)
{
    return render_inst(w, &(struct inst){"[INST] ", "[/INST]", " ", true, LAST_QUESTION});
}

static int render_mistral_tekken(struct chat_writer *w)
{
    return render_inst(w, &(struct inst){"[INST]", "[/INST]", "", false, LAST_QUESTION});
}

static int render_mistral_v7(struct chat_writer *w)
{
    say(w, w->bos);
    for (size_t i = 0; i < w->n; i++) {
        const struct chat_message *m = &w->messages[i];
        static const char *const open[] = {"[SYSTEM_PROMPT] ", "[INST] ", " "};
        say(w, open[m->role]);
        TRY(quote(w, m));
        say(w, m->role == CHAT_SYSTEM ? "[/SYSTEM_PROMPT]" : m->role == CHAT_USER ? "[/INST]" : w->eos);
    }
    return 0;
}

/* ---- Gemma ----------------------------------------------------------------------------------------------------------- */

static int render_gemma_turns(struct chat_writer *w, size_t first)
{
    TRY(check_turns(w));
    say_bos(w);
    for (size_t i = first; i < w->n; i++) {
        const struct chat_message *m = &w->messages[i];
        say(w, "<start_of_turn>");
        say(w, m->role == CHAT_ASSISTANT ? "model" : role_name(m->role));
        say(w, "\n");
        if (first && i == first) {
            TRY(quote(w, &w->messages[0]));
            say(w, "\n\n");
        }
        TRY(quote_trimmed(w, m));
        say(w, "<end_of_turn>\n");
    }
    if (w->reply)
        say(w, "<start_of_turn>model\n");
    return 0;
}

static int render_gemma(struct chat_writer *w)
{
    if (has_system(w))
        return err_set(w->err, ERR_INPUT, "the chat template 'gemma' has no place for a system message");
    return render_gemma_turns(w, 0);
}

static int render_gemma3(struct chat_writer *w)
{
    return render_gemma_turns(w, has_system(w));
}

/* ---- Phi-3, Zephyr, none ----------------------------------------------------------------------------------------------- */

static int role_turn(struct chat_writer *w, const struct chat_message *m, const char *end)
{
    say(w, "<|");
    say(w, role_name(m->role));
    say(w, "|>\n");
    TRY(quote(w, m));
    say(w, end);
    say(w, "\n");
    return 0;
}

static int render_phi3(struct chat_writer *w)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->messages[i].role != CHAT_SYSTEM || w->messages[i].len > 0)
            TRY(role_turn(w, &w->messages[i], "<|end|>"));
    say(w, w->reply ? "<|assistant|>\n" : w->eos);
    return 0;
}

/* The first releases: no system message, and every question opens its answer. */
static int render_phi3_first(struct chat_writer *w)
{
    say_bos(w);
    for (size_t i = 0; i < w->n; i++) {
        const struct chat_message *m = &w->messages[i];
        if (m->role == CHAT_USER) {
            TRY(role_turn(w, m, "<|end|>"));
            say(w, "<|assistant|>\n");
        } else if (m->role == CHAT_ASSISTANT) {
            TRY(quote(w, m));
            say(w, "<|end|>\n");
        }
    }
    return 0;
}

static int render_phi3_small(struct chat_writer *w)
{
    say_bos(w);
    for (size_t i = 0; i < w->n; i++)
        TRY(role_turn(w, &w->messages[i], "<|end|>"));
    say(w, w->reply ? "<|assistant|>\n" : w->eos);
    return 0;
}

static int render_zephyr(struct chat_writer *w)
{
    for (size_t i = 0; i < w->n; i++)
        TRY(role_turn(w, &w->messages[i], w->eos));
    if (w->reply && w->n > 0)
        say(w, "<|assistant|>\n");
    return 0;
}

static int render_none(struct chat_writer *w)
{
    say_bos(w);
    for (size_t i = 0; i < w->n; i++)
        TRY(quote(w, &w->messages[i]));
    return 0;
}

/* ---- the rows ---------------------------------------------------------------------------------------------------------
 * Of several that fit a template the first is meant. */

const struct chat_format chat_formats[] = {
    {.name = "prony", .end = "<|end|>", .bos = true, .render = render_prony,
     .has = LIST("{{bos_token}}{%forminmessages%}{{'<|'+m['role']+'|>'+m['content']+'<|end|>'}}{%endfor%}"
                 "{%ifadd_generation_prompt%}{{'<|assistant|>'}}{%endif%}")},
    {.name = "llama-3.1", .end = "<|eot_id|>", .bos = true, .render = render_llama31,
     .has = LIST("{{-bos_token}}", "'Cutting Knowledge Date: December 2023\\n'", "'Today Date: '+date_string+'\\n\\n'",
                 "'26 Jul 2024'", "'<|end_header_id|>\\n\\n'+message['content']|trim+'<|eot_id|>'")},
    {.name = "llama-3", .end = "<|eot_id|>", .bos = true, .render = render_llama3,
     .has = LIST("'<|start_header_id|>'+message['role']+'<|end_header_id|>\\n\\n'+message['content']|trim+'<|eot_id|>'",
                 "bos_token+content"),
     .lacks = LIST("tools", "date")},
    {.name = "llama-2", .end = NULL, .bos = true, .render = render_llama2,
     .has = LIST("'<<SYS>>\\n'+system_message+'\\n<</SYS>>\\n\\n'", "{{bos_token+'[INST] '+content.strip()+' [/INST]'}}",
                 "{{' '+content.strip()+' '+eos_token}}"),
     .lacks = LIST("message['role']=='system'%}{{")},
    {.name = "qwen3", .end = "<|im_end|>", .render = render_qwen3,
     .has = LIST("'<|im_start|>'+message.role", "ns.last_query_index", "reasoning_content", "enable_thinkingisfalse"),
     .lacks = LIST("macro", "bos_token", "assistant\\n<think>")},
    {.name = "chatml", .end = "<|im_end|>", .render = render_chatml,
     .has = LIST("'<|im_start|>'+message", "+'<|im_end|>'+'\\n'", "'<|im_start|>assistant\\n'"),
     .lacks = LIST("reasoning_content", "<think>", "|trim", ".strip(", "macro", "eos_token", "<|im_sep|>", "raise_exception")},
    {.name = "mistral-v0", .end = NULL, .bos = true, .render = render_mistral_v0,
     .has = LIST("{{bos_token}}", "{{'[INST] '+message['content']+' [/INST]'}}", "{{message['content']+eos_token}}",
                 "raise_exception"),
     .lacks = LIST("system_message", "<<SYS>>", "'system'")},
    {.name = "mistral-v1", .end = NULL, .bos = true, .render = render_mistral_v1,
     .has = LIST("loop.firstandsystem_messageisdefined", "{{-' [INST] '+system_message+'\\n\\n'+message['content']+' [/INST]'}}",
                 "{{-' '+message['content']+eos_token}}")},
    {.name = "mistral-v3", .end = NULL, .bos = true, .render = render_mistral_v3,
     .has = LIST("loop.lastandsystem_messageisdefined", "{{-'[INST] '+system_message+'\\n\\n'+message['content']+'[/INST]'}}",
                 "{{-' '+message['content']|trim+eos_token}}")},
    {.name = "mistral-tekken", .end = NULL, .bos = true, .render = render_mistral_tekken,
     .has = LIST("loop.lastandsystem_messageisdefined", "{{-'[INST]'+system_message+'\\n\\n'+message['content']+'[/INST]'}}",
                 "{{-message['content']+eos_token}}")},
    {.name = "mistral-v7", .end = NULL, .bos = true, .render = render_mistral_v7,
     .has = LIST("{{'[SYSTEM_PROMPT] '+message['content']+'[/SYSTEM_PROMPT]'}}", "{{' '+message['content']+eos_token}}",
                 "{{'[INST] '+message['content']+'[/INST]'}}")},
    {.name = "gemma", .end = "<end_of_turn>", .bos = true, .render = render_gemma,
     .has = LIST("'<start_of_turn>'+role+'\\n'+message['content']|trim+'<end_of_turn>\\n'", "'System role not supported'",
                 "'<start_of_turn>model\\n'")},
    {.name = "gemma-3", .end = "<end_of_turn>", .bos = true, .render = render_gemma3,
     .has = LIST("<start_of_turn>", "first_user_prefix", "message['content']|trim", "<start_of_turn>model\\n")},
    {.name = "phi-3", .end = "<|end|>", .render = render_phi3,
     .has = LIST("message['role']=='system'andmessage['content']%}{{'<|system|>\\n'+message['content']+'<|end|>\\n'}}",
                 "{%else%}{{eos_token}}{%endif%}"),
     .lacks = LIST("bos_token")},
    {.name = "phi-3-first", .end = "<|end|>", .render = render_phi3_first,
     .has = LIST("{{'<|user|>'+'\\n'+message['content']+'<|end|>'+'\\n'+'<|assistant|>'+'\\n'}}",
                 "{{message['content']+'<|end|>'+'\\n'}}"),
     .lacks = LIST("system")},
    {.name = "phi-3-small", .end = "<|end|>", .bos = true, .render = render_phi3_small,
     .has = LIST("{%formessageinmessages%}{{'<|'+message['role']+'|>'+'\\n'+message['content']+'<|end|>\\n'}}{%endfor%}"
                 "{%ifadd_generation_prompt%}{{'<|assistant|>\\n'}}{%else%}{{eos_token}}{%endif%}")},
    {.name = "zephyr", .end = NULL, .render = render_zephyr,
     .has = LIST("{{'<|user|>\\n'+message['content']+eos_token}}", "{{'<|system|>\\n'+message['content']+eos_token}}",
                 "{{'<|assistant|>\\n'+message['content']+eos_token}}", "loop.lastandadd_generation_prompt")},
    {.name = "none", .bos = true, .render = render_none},
};
const size_t chat_n_formats = sizeof chat_formats / sizeof *chat_formats;

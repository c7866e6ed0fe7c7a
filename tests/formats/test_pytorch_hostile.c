/* Pickles that would run programs, and archives that lie: each refused by the name of what is wrong, none run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "formats/model_file.h"
#include "support/testing.h"
#include "support/zip_maker.h"

#define P(text) text, sizeof text - 1
/* OrderedDict with one tensor "w" of 4 floats: what comes before and after its arguments. */
#define HEAD "\x80\x02" "ccollections\nOrderedDict\n)R" "X\1\0\0\0w" "ctorch._utils\n_rebuild_tensor_v2\n" "("
#define STORAGE(key, n) "(" "X\7\0\0\0storage" "ctorch\nFloatStorage\n" "X\1\0\0\0" key "X\3\0\0\0cpu" "K" n "t" "Q"
#define TAIL "\x89" "ccollections\nOrderedDict\n)R" "t" "R" "s" "."

static const char honest[] = HEAD STORAGE("0", "\4") "K\0" "K\4\x85" "K\1\x85" TAIL;
static const float four[4] = {1, 2, 3, 4};

static const struct {
    const char *what, *pickle;
    size_t len;
    enum err_code code;
    const char *part;
} pickles[] = {
    {"GLOBAL and REDUCE", P("\x80\x02" "cos\nsystem\n" "X\5\0\0\0touch" "\x85" "R."), ERR_UNSUPPORTED, "'os.system'"},
    {"posix", P("\x80\x02" "cposix\nsystem\n" "X\5\0\0\0touch" "\x85" "R."), ERR_UNSUPPORTED, "'posix.system'"},
    {"STACK_GLOBAL", P("\x80\x04" "\x8c\2os" "\x8c\6system" "\x93" "\x8c\5touch" "\x85" "R."), ERR_UNSUPPORTED, "'os.system'"},
    {"names from the memo", P("\x80\x04" "\x8c\2os\x94" "0" "\x8c\6system\x94" "0" "h\0" "h\1" "\x93" "."), ERR_UNSUPPORTED,
     "'os.system'"},
    {"eval", P("\x80\x02" "c__builtin__\neval\n" "X\1\0\0\0" "1" "\x85" "R."), ERR_UNSUPPORTED, "'__builtin__.eval'"},
    {"exec", P("\x80\x02" "cbuiltins\nexec\n" "X\1\0\0\0" "1" "\x85" "R."), ERR_UNSUPPORTED, "'builtins.exec'"},
    {"getattr", P("\x80\x02" "cbuiltins\ngetattr\n."), ERR_UNSUPPORTED, "'builtins.getattr'"},
    {"subprocess", P("\x80\x02" "csubprocess\nPopen\n."), ERR_UNSUPPORTED, "'subprocess.Popen'"},
    {"runpy", P("\x80\x02" "crunpy\n_run_code\n."), ERR_UNSUPPORTED, "'runpy._run_code'"},
    {"a dotted name", P("\x80\x04" "\x8c\5torch" "\x8c\x0f" "_utils.os.syste" "\x93."), ERR_UNSUPPORTED, "'torch._utils.os.syste'"},
    {"torch's own loader", P("\x80\x02" "ctorch\nload\n."), ERR_UNSUPPORTED, "'torch.load'"},
    {"INST", P("\x80\x02" "(X\5\0\0\0touch" "ios\nsystem\n."), ERR_UNSUPPORTED, "0x69 (INST)"},
    {"OBJ", P("\x80\x02" "(cos\nsystem\n" "o."), ERR_UNSUPPORTED, "'os.system'"},
    {"OBJ itself", P("\x80\x02" "(ccollections\nOrderedDict\n" "o."), ERR_UNSUPPORTED, "0x6f (OBJ)"},
    {"NEWOBJ", P("\x80\x02" "ccollections\nOrderedDict\n" ")\x81."), ERR_UNSUPPORTED, "0x81 (NEWOBJ)"},
    {"NEWOBJ_EX", P("\x80\x04" "ccollections\nOrderedDict\n" ")}\x92."), ERR_UNSUPPORTED, "0x92 (NEWOBJ_EX)"},
    {"EXT", P("\x80\x02" "\x82\1."), ERR_UNSUPPORTED, "0x82 (EXT1)"},
    {"PERSID", P("\x80\x02" "Pstorage\n."), ERR_UNSUPPORTED, "0x50 (PERSID)"},
    {"a call of a storage type", P("\x80\x02" "ctorch\nFloatStorage\n" "K\4\x85" "R."), ERR_UNSUPPORTED, "calls 'torch.FloatStorage'"},
    {"a call of a text", P("\x80\x02" "X\2\0\0\0os" ")R."), ERR_INPUT, "calls what is no function"},
    {"state for a tensor", P("\x80\x02" "ctorch._utils\n_rebuild_tensor_v2\n" "(" STORAGE("0", "\4") "K\0" "K\4\x85" "K\1\x85" "tR" "}b."),
     ERR_INPUT, "gives state to what is no dict"},
    {"a huge memo place", P("\x80\x02" "}r\xff\xff\xff\x7f."), ERR_INPUT, "memo place 2147483647"},
    {"a memo place never taken", P("\x80\x02" "h\5."), ERR_INPUT, "recalls what was never"},
    {"a dict in itself", P("\x80\x02" "}q\0X\5\0\0\0modelh\0s."), ERR_INPUT, "no dict of tensors"},
    {"a list in itself", P("\x80\x02" "]q\0h\0a."), ERR_INPUT, "no dict of tensors"},
    {"protocol 0", P("\x80\x00}."), ERR_UNSUPPORTED, "protocol 0"},
    {"protocol 9", P("\x80\x09}."), ERR_UNSUPPORTED, "protocol 9"},
    {"no STOP", P("\x80\x02}"), ERR_INPUT, "ends without STOP"},
    {"an empty stack", P("\x80\x02" "s."), ERR_INPUT, "empty stack"},
    {"a text longer than all", P("\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f" "a."), ERR_INPUT, "ends within an instruction"},
    {"an integer of many bits", P("\x80\x02\x8a\x09" "123456789."), ERR_INPUT, "more than 64 bits"},
    {"no tensors", P("\x80\x02}."), ERR_INPUT, "no dict of tensors"},
    {"a view beyond its storage", P(HEAD STORAGE("0", "\4") "K\1" "K\4\x85" "K\1\x85" TAIL), ERR_INPUT, "reaches beyond its storage"},
    {"a stride beyond its storage", P(HEAD STORAGE("0", "\4") "K\0" "K\2\x85" "K\4\x85" TAIL), ERR_INPUT, "reaches beyond"},
    {"few bytes for many values", P(HEAD STORAGE("0", "\4") "K\0" "J\0\0\0\x40\x85" "K\0\x85" TAIL), ERR_INPUT,
     "more values than its storage"},
    {"a product that overflows", P(HEAD STORAGE("0", "\4") "K\0" "J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x87" "K\0K\0K\0\x87" TAIL),
     ERR_INPUT, "overflows 64 bits"},
    {"a storage larger than its bytes", P(HEAD STORAGE("0", "\5") "K\0" "K\4\x85" "K\1\x85" TAIL), ERR_INPUT, "fewer bytes"},
    {"a storage that is not there", P(HEAD STORAGE("7", "\4") "K\0" "K\4\x85" "K\1\x85" TAIL), ERR_INPUT, "not in the archive"},
    {"a negative offset", P(HEAD STORAGE("0", "\4") "J\xff\xff\xff\xff" "K\4\x85" "K\1\x85" TAIL), ERR_INPUT, "made of something else"},
};

static void open_archive(const struct zip_item *items, enum err_code code, const char *part, const char *what)
{
    struct err err = ERR_INIT;
    struct model_file *f;
    struct buf archive = BUF_INIT(1 << 20);
    zip_make(&archive, items);
    int rc = model_file_open_bytes(&f, archive.data, archive.len, "hostile.pt", &err);
    if (!part && rc < 0)
        fail_msg("%s: %s", what, err.text);
    if (part && (rc == 0 || err.code != code || !strstr(err.text, part)))
        fail_msg("%s: '%s' (%s), expected '%s'", what, rc == 0 ? "opened" : err.text, err_code_name(err.code), part);
    model_file_close(f);
    buf_release(&archive);
}

static void the_honest_one_opens(void **state)
{
    (void)state;
    open_archive((struct zip_item[]){{.name = "a/data.pkl", .data = honest, .len = sizeof honest - 1},
                                     {.name = "a/data/0", .data = four, .len = sizeof four}, {0}}, ERR_NONE, NULL, "honest");
}

static void pickles_are_refused_by_name(void **state)
{
    (void)state;
    assert_true(sizeof pickles / sizeof *pickles >= 20);
    for (size_t i = 0; i < sizeof pickles / sizeof *pickles; i++)
        open_archive((struct zip_item[]){{.name = "a/data.pkl", .data = pickles[i].pickle, .len = pickles[i].len},
                                         {.name = "a/data/0", .data = four, .len = sizeof four}, {0}}, pickles[i].code,
                     pickles[i].part, pickles[i].what);
}

static void archives_are_refused_by_name(void **state)
{
    (void)state;
    const struct zip_item pickle = {.name = "a/data.pkl", .data = honest, .len = sizeof honest - 1};
    const struct {
        const char *what, *part;
        struct zip_item second, third;
    } archives[] = {
        {"compressed", "'a/data/0' is compressed", {.name = "a/data/0", .data = four, .len = 16, .method = 8}, {0}},
        {"encrypted", "'a/data/0' is encrypted", {.name = "a/data/0", .data = four, .len = 16, .flags = 1}, {0}},
        {"up and out", "'a/../../etc/passwd' has a name that leads out", {.name = "a/../../etc/passwd", .data = four, .len = 16}, {0}},
        {"absolute", "'/etc/passwd' has a name", {.name = "/etc/passwd", .data = four, .len = 16}, {0}},
        {"backslash", "has a name that leads out", {.name = "..\\x", .data = four, .len = 16}, {0}},
        {"overlapping, as zip bombs do", "shares bytes with another", {.name = "a/data/0", .data = four, .len = 16},
         {.name = "a/data/1", .data = four, .len = 16, .local_of = "a/data/0"}},
        {"twice", "'a/data/0' occurs twice", {.name = "a/data/0", .data = four, .len = 16}, {.name = "a/data/0", .data = four, .len = 16}},
        {"longer than the file", "ends after the file", {.name = "a/data/0", .data = four, .len = 16, .size_off = 1 << 20}, {0}},
        {"big-endian", "big-endian", {.name = "a/data/0", .data = four, .len = 16}, {.name = "a/byteorder", .data = "big", .len = 3}},
    };
    for (size_t i = 0; i < sizeof archives / sizeof *archives; i++)
        open_archive((struct zip_item[]){pickle, archives[i].second, archives[i].third, {0}},
                     strcmp(archives[i].what, "big-endian") == 0 ? ERR_UNSUPPORTED : ERR_INPUT, archives[i].part, archives[i].what);
    open_archive((struct zip_item[]){{.name = "readme.txt", .data = "hello", .len = 5}, {0}}, ERR_INPUT, "without data.pkl", "another zip");
}

/* Cut anywhere, the file is refused and nothing is read beyond it. */
static void every_cut_is_refused(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct model_file *f;
    struct buf archive = BUF_INIT(1 << 20);
    zip_make(&archive, (struct zip_item[]){{.name = "a/data.pkl", .data = honest, .len = sizeof honest - 1},
                                           {.name = "a/data/0", .data = four, .len = sizeof four}, {0}});
    for (size_t n = 0; n < archive.len; n++) {
        char *cut = malloc(n ? n : 1);
        memcpy(cut, archive.data, n);
        err_clear(&err);
        assert_true(model_file_open_bytes(&f, cut, n, "cut.pt", &err) < 0);
        assert_true(err.text[0] != '\0');
        free(cut);
    }
    buf_release(&archive);
}

/* The same with `touch FILE` by each of the routes: no file appears. */
static void nothing_is_run(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct buf pickle = BUF_INIT(1 << 12);
    char *proof = path_join(test_dir(), "proof", &err);
    static const char *const modules[] = {"os", "posix", "nt", "subprocess", "builtins", "webbrowser"};
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
        buf_clear(&pickle);
        buf_add(&pickle, "\x80\x02", 2);
        buf_printf(&pickle, "c%s\nsystem\n", modules[i]);
        char command[512];
        uint32_t n = (uint32_t)snprintf(command, sizeof command, "touch %s", proof);
        buf_char(&pickle, 'X');
        buf_add(&pickle, &n, 4);
        buf_str(&pickle, command);
        buf_add(&pickle, "\x85R.", 3);
        open_archive((struct zip_item[]){{.name = "a/data.pkl", .data = pickle.data, .len = pickle.len}, {0}}, ERR_UNSUPPORTED,
                     "system'", modules[i]);
    }
    assert_false(file_exists(proof));
    free(proof);
    buf_release(&pickle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_honest_one_opens), cmocka_unit_test(pickles_are_refused_by_name),
        cmocka_unit_test(archives_are_refused_by_name), cmocka_unit_test(every_cut_is_refused), cmocka_unit_test(nothing_is_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

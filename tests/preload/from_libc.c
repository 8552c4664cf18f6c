/* The C library's functions that hand out blocks to be freed: they are the program's malloc's, or free would not
 * know them. So are those that it takes, resizes and gives back. */
#include "blocks.h"
#include "tap.h"

#include <dirent.h>
#include <glob.h>
#include <iconv.h>
#include <libgen.h>
#include <locale.h>
#include <malloc.h>
#include <netdb.h>
#include <regex.h>
#include <search.h>
#include <wchar.h>

/* A block of the program's malloc that starts with this text. */
static bool freed(char *text, const char *expected) {
    bool good = text != NULL && strcmp(text, expected) == 0 && malloc_usable_size(text) >= strlen(expected) + 1;
    free(text);
    return good;
}

static void check_strings(void) {
    tap_check(freed(strdup("a text"), "a text"), "strdup");
    tap_check(freed(strndup("a text", 3), "a t"), "strndup");
    char *text = NULL;
    tap_check(asprintf(&text, "%d %s", 12, "a text") == 9 && freed(text, "12 a text"), "asprintf");
    wchar_t *wide = wcsdup(L"wide");
    tap_check(wide != NULL && wcscmp(wide, L"wide") == 0, "wcsdup");
    free(wide);
}

static void check_streams(void) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    for (unsigned i = 0; i < 10000; i++)
        fprintf(stream, "line %u\n", i);
    fclose(stream);
    tap_check(text != NULL && bytes == strlen(text) && malloc_usable_size(text) > bytes, "open_memstream");

    FILE *lines = fmemopen(text, bytes, "r");
    char *line = NULL;
    size_t room = 0, count = 0;
    while (getline(&line, &room, lines) > 0)
        count++;
    tap_check(count == 10000 && malloc_usable_size(line) >= room, "getline");
    rewind(lines);
    free(line);
    line = malloc(1);
    room = 1;
    tap_check(getdelim(&line, &room, '\0', lines) == (ssize_t)bytes && malloc_usable_size(line) >= room,
              "getdelim resizes the caller's block");
    fclose(lines);
    free(line);
    free(text);
    char *word = NULL;
    tap_check(sscanf("one two", "%ms", &word) == 1 && freed(word, "one"), "sscanf with %%m");
}

static int any(const struct dirent *entry) {
    return entry->d_name[0] != '\0';
}

static void check_files(void) {
    char *here = getcwd(NULL, 0), *real = realpath(".", NULL);
    tap_check(here != NULL && real != NULL && malloc_usable_size(real) > strlen(real), "getcwd, realpath");
    free(here);
    free(real);
    struct dirent **entries = NULL;
    int count = scandir("/", &entries, any, alphasort);
    tap_check(count > 2, "scandir");
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    glob_t found;
    tap_check(glob("/*", 0, NULL, &found) == 0 && found.gl_pathc > 2, "glob");
    globfree(&found);
    FILE *stream = popen("echo said", "r");
    char said[16] = "";
    tap_check(stream != NULL && fgets(said, sizeof said, stream) != NULL && strcmp(said, "said\n") == 0 &&
                  pclose(stream) == 0,
              "popen");
}

static int compare(const void *a, const void *b) {
    return strcmp(a, b);
}

static int compare_ints(const void *a, const void *b) {
    return *(const int *)a - *(const int *)b;
}

static void check_containers(void) {
    void *tree = NULL;
    char name[16];
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "%u", i);
        tsearch(strdup(name), &tree, compare);
    }
    tap_check(tfind("777", &tree, compare) != NULL, "tsearch");
    tdestroy(tree, free);
    enum { NUMBERS = 300000 }; /* more than qsort sorts on the stack */
    int *numbers = malloc(NUMBERS * sizeof *numbers);
    for (int i = 0; i < NUMBERS; i++)
        numbers[i] = (int)((long)i * 7919 % NUMBERS);
    qsort(numbers, NUMBERS, sizeof *numbers, compare_ints);
    tap_check(numbers[0] == 0 && numbers[NUMBERS - 1] == NUMBERS - 1, "qsort");
    free(numbers);
}

static void check_others(void) {
    regex_t pattern;
    tap_check(regcomp(&pattern, "(a+)(b|c)*d", REG_EXTENDED) == 0 && regexec(&pattern, "xaabcbd", 0, NULL, 0) == 0,
              "regcomp");
    regfree(&pattern);
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    tap_check(c_locale != (locale_t)0, "newlocale");
    freelocale(c_locale);
    struct addrinfo *addresses = NULL, hints = {.ai_flags = AI_NUMERICHOST};
    tap_check(getaddrinfo("127.0.0.1", "80", &hints, &addresses) == 0, "getaddrinfo");
    freeaddrinfo(addresses);
    iconv_t converter = iconv_open("UTF-16", "UTF-8");
    tap_check(converter != (iconv_t)-1, "iconv_open");
    iconv_close(converter);
    bool good = setenv("FIEF_TEST_VARIABLE", "a value", 1) == 0;
    for (unsigned i = 0; i < 100; i++)
        good = good && setenv("FIEF_TEST_VARIABLE", i % 2 ? "a" : "another value that is longer", 1) == 0;
    tap_check(good && strcmp(getenv("FIEF_TEST_VARIABLE"), "a") == 0, "setenv");
}

int main(void) {
    check_strings();
    check_streams();
    check_files();
    check_containers();
    check_others();
    return tap_end();
}

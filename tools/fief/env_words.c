#include "env_words.h"

#include <stdbool.h>
#include <string.h>

/* What follows `prefix`, or NULL. */
static const char *behind(const char *word, const char *prefix) {
    size_t bytes = strlen(prefix);
    return strncmp(word, prefix, bytes) == 0 ? word + bytes : NULL;
}

static bool is_one_of(const char *word, const char *const *names) {
    while (*names != NULL && strcmp(word, *names) != 0)
        names++;
    return *names != NULL;
}

/* The words of `text`, without regard to quotes, then the rest. Once: there is room for one. */
static char *const *split(env_words *e, const char *text, char *const *rest) {
    char *position;
    unsigned count = 0;
    if (e->words[0] != NULL || strlen(text) >= sizeof e->line)
        return NULL;
    strcpy(e->line, text);
    for (char *word = strtok_r(e->line, " \t", &position); word != NULL && count < ENV_MOST_WORDS;
         word = strtok_r(NULL, " \t", &position))
        e->words[count++] = word;
    for (; *rest != NULL && count < ENV_MOST_WORDS; rest++)
        e->words[count++] = *rest;
    e->words[count] = NULL;
    return e->words;
}

/* One option, with its value. */
static char *const *skip_option(env_words *e, char *const *words) {
    static const char *const splits[] = {"-S", "--split-string", NULL};
    static const char *const takes_value[] = {"-u", "--unset", "-C", "--chdir", NULL};
    const char *text = behind(*words, "--split-string=");
    if (text == NULL && is_one_of(*words, splits))
        text = *++words;
    else if (text == NULL)
        text = behind(*words, "-S");
    if (text != NULL)
        return split(e, text, words + 1);
    if (*words == NULL)
        return words;
    return is_one_of(*words, takes_value) && words[1] != NULL ? words + 2 : words + 1;
}

char *const *env_words_skip(env_words *e, char *const *words, const char **search_path) {
    words++;
    while (words != NULL && *words != NULL) {
        const char *path = behind(*words, "PATH=");
        if (path != NULL)
            *search_path = path;
        if ((*words)[0] == '-')
            words = skip_option(e, words);
        else if (strchr(*words, '=') != NULL)
            words++;
        else
            return words;
    }
    return NULL;
}

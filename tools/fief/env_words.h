/* The command that env(1) is asked to run: scripts begin with "#!/usr/bin/env python3". */
#ifndef FIEF_ENV_WORDS_H
#define FIEF_ENV_WORDS_H

enum { ENV_LINE_BYTES = 256, ENV_MOST_WORDS = 32 };

/* Room for what -S splits. */
typedef struct env_words {
    char line[ENV_LINE_BYTES];
    char *words[ENV_MOST_WORDS + 1];
} env_words;

/* `words` begin with env itself. Returns those of its command, or NULL: it has none, or is not understood. A PATH
 * that it sets becomes *search_path. */
char *const *env_words_skip(env_words *e, char *const *words, const char **search_path);

#endif

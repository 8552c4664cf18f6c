#include "program.h"

#include "env_words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* ---- a file ---- */

typedef struct content {
    const char *bytes;
    size_t size_bytes;
} content;

/* Empty where it can't be read: it may be executable nevertheless. */
static content map_file(const char *path) {
    content c = {NULL, 0};
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return c;
    if (fstat(file, &status) == 0 && status.st_size > 0) {
        void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (bytes != MAP_FAILED)
            c = (content){bytes, (size_t)status.st_size};
    }
    close(file);
    return c;
}

static void unmap_file(content c) {
    if (c.bytes != NULL)
        munmap((void *)(uintptr_t)c.bytes, c.size_bytes);
}

/* The dynamic linker takes no libraries from the environment then. Capabilities change nothing for root. */
static bool gains_rights(const char *path) {
    struct stat status;
    if (stat(path, &status) != 0)
        return false;
    if ((status.st_mode & S_ISUID) != 0 && status.st_uid != getuid())
        return true;
    if ((status.st_mode & S_ISGID) != 0 && (status.st_mode & S_IXGRP) != 0 && status.st_gid != getgid())
        return true;
    return getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0;
}

/* ---- scripts ---- */

/* A command on the way to the program. A script's first line makes the next one. */
typedef struct stage {
    char line[PROGRAM_LINE_BYTES];
    char *words[4]; /* the interpreter, its argument if there is one, the script, NULL */
} stage;

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/* "#! interpreter [argument]": all behind the interpreter is one argument. The kernel looks at so many bytes, too.
 */
static bool read_script(content c, const char *script, stage *s) {
    if (c.size_bytes < 2 || memcmp(c.bytes, "#!", 2) != 0)
        return false;
    size_t bytes = c.size_bytes < sizeof s->line ? c.size_bytes : sizeof s->line - 1;
    memcpy(s->line, c.bytes, bytes);
    s->line[bytes] = '\0';
    char *at = s->line + 2, *end = strchrnul(at, '\n');
    while (end > at && is_blank(end[-1]))
        end--;
    *end = '\0';
    at += strspn(at, " \t");
    s->words[0] = at;
    at += strcspn(at, " \t");
    if (*at != '\0')
        *at++ = '\0';
    at += strspn(at, " \t");
    unsigned count = 1;
    if (*at != '\0')
        s->words[count++] = at;
    s->words[count++] = (char *)(uintptr_t)script;
    s->words[count] = NULL;
    return s->words[0][0] != '\0';
}

/* ---- the way ---- */

typedef struct way {
    stage stages[PROGRAM_LEVELS];
    lookup found[PROGRAM_LEVELS]; /* of each stage's command; a script's is a word of the next one */
    env_words env;
    const char *search_path;
} way;

/* The command that follows, or NULL: this is the program. */
static char *const *next_command(way *w, unsigned level, char *const *words, content c, const program *p) {
    if (!p->is_elf)
        return read_script(c, w->found[level].path, &w->stages[level]) ? w->stages[level].words : NULL;
    if (strcmp(lookup_base_name(p->path), "env") != 0)
        return NULL;
    return env_words_skip(&w->env, words, &w->search_path);
}

static void look_at(const char *path, content c, program *out) {
    strcpy(out->path, path);
    out->is_elf = elf_facts_read(c.bytes, c.size_bytes, &out->elf);
    out->gains_rights = gains_rights(path);
}

static bool go(way *w, char *const *words, program *out, int *error) {
    for (unsigned level = 0; level < PROGRAM_LEVELS && words != NULL; level++) {
        lookup *found = &w->found[level];
        if (!lookup_command(words[0], w->search_path, found)) {
            *error = found->error;
            return level > 0;
        }
        content c = map_file(found->path);
        look_at(found->path, c, out);
        words = next_command(w, level, words, c, out);
        unmap_file(c);
    }
    return true;
}

bool program_find(char *const *words, program *out, int *error) {
    way *w = calloc(1, sizeof *w);
    if (w == NULL) {
        *error = ENOMEM;
        return false;
    }
    w->search_path = getenv("PATH");
    bool found = go(w, words, out, error);
    free(w);
    return found;
}

bool program_find_self(program *out) {
    content c = map_file("/proc/self/exe");
    ssize_t bytes = readlink("/proc/self/exe", out->path, sizeof out->path - 1);
    if (bytes > 0) {
        out->path[bytes] = '\0';
        out->is_elf = elf_facts_read(c.bytes, c.size_bytes, &out->elf);
    }
    unmap_file(c);
    return bytes > 0 && out->is_elf;
}

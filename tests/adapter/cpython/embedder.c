/* A program that runs several lifetimes of CPython's runtime, one after the other: "embedder START COUNT", where
 * START is the function that begins one. Whichever libpython was loaded before it serves. For each it says whether
 * what python allocates is fief's. */
#define _GNU_SOURCE 1
#include "fief/fief.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* PyStatus; what PyConfig_InitPythonConfig makes is a PyConfig, of some hundred bytes. */
typedef struct status {
    int type;
    const char *function, *message;
    int exit_code;
} status;

static void find(const char *name, void *function_pointer) {
    void *found = dlsym(RTLD_DEFAULT, name);
    if (found == NULL) {
        fprintf(stderr, "there is no %s\n", name);
        exit(2);
    }
    memcpy(function_pointer, &found, sizeof found);
}

static void start_from_config(void) {
    void (*init)(void *), (*clear)(void *);
    status (*start)(const void *);
    find("PyConfig_InitPythonConfig", &init);
    find("PyConfig_Clear", &clear);
    find("Py_InitializeFromConfig", &start);
    uint64_t config[1024] = {0};
    init(config);
    status result = start(config);
    clear(config);
    if (result.type != 0)
        exit(3);
}

static void start(const char *how) {
    void (*initialize)(void);
    void (*initialize_ex)(int);
    if (strcmp(how, "Py_InitializeFromConfig") == 0) {
        start_from_config();
    } else if (strcmp(how, "Py_InitializeEx") == 0) {
        find(how, &initialize_ex);
        initialize_ex(0);
    } else {
        find(how, &initialize);
        initialize();
    }
}

int main(int count, char **arguments) {
    int (*run)(const char *, void *), (*finish)(void);
    void *(*allocate)(size_t), (*release)(void *);
    find("PyRun_SimpleStringFlags", &run);
    find("Py_FinalizeEx", &finish);
    find("PyObject_Malloc", &allocate);
    find("PyObject_Free", &release);
    for (int left = count == 3 ? atoi(arguments[2]) : 0; left > 0; left--) {
        start(arguments[1]);
        if (run("import json\nassert json.loads(json.dumps(list(range(1000))))[999] == 999", NULL) != 0)
            return 4;
        void *block = allocate(100);
        puts(fief_owner(block) != FIEF_ID_NONE ? "ours" : "not ours");
        release(block);
        if (finish() != 0)
            return 5;
    }
    return 0;
}

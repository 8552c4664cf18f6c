/* A whole script in a runtime, on the C library's memory or on a fief's: prints the milliseconds of the
 * processor's time of each run, from the runtime's beginning to its end, then what the script gave, and the most
 * KiB that were ever resident. Built once for each runtime, from what the checks of all runtimes say of it
 * (tests/adapter/embedded).
 *
 *   embed_RUNTIME stock|fief VARIANT RUNS SCRIPT       other allocators by LD_PRELOAD, with `stock` */
#include "embedded/embedded.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static char *read_file(const char *path) {
    FILE *file = fopen(path, "r");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        return NULL;
    size_t bytes = (size_t)ftell(file);
    char *text = calloc(1, bytes + 1);
    rewind(file);
    if (text != NULL && fread(text, 1, bytes, file) != bytes)
        text[0] = '\0';
    fclose(file);
    return text;
}

static double spent_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static long peak_kib(void) {
    char line[256];
    long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, "VmHWM:", 6) == 0)
            kib = atol(line + 6);
    if (status != NULL)
        fclose(status);
    return kib;
}

/* True if the script ran; else `text` is the error. */
static bool run(const embedded *runtime, bool on_fief, embedded_variant variant, const char *script, char *text) {
    fief_config config = FIEF_CONFIG_INIT;
    config.alignment = 8; /* as the adapters say */
    fief *heap = NULL;
    if (on_fief && fief_create(&heap, &config) != FIEF_OK)
        return false;
    bool good = runtime->install == NULL || runtime->install(heap, variant);
    void *instance = good ? runtime->create(heap, variant) : NULL;
    good = instance != NULL && runtime->run(instance, script, text);
    if (instance != NULL)
        runtime->destroy(instance);
    if (runtime->uninstall != NULL)
        runtime->uninstall();
    return (heap == NULL || fief_destroy(heap) == FIEF_OK) && good;
}

int main(int argc, char **argv) {
    char text[EMBEDDED_TEXT_BYTES] = "";
    if (argc != 5)
        return 2;
    char *script = read_file(argv[4]);
    embedded_variant variant = (embedded_variant)atoi(argv[2]);
    for (int i = atoi(argv[3]); i > 0; i--) {
        double before_ms = spent_ms();
        if (script == NULL || !run(&EMBEDDED, strcmp(argv[1], "fief") == 0, variant, script, text)) {
            fprintf(stderr, "%s: %s\n", argv[4], text);
            return 1;
        }
        printf("%.3f\n", spent_ms() - before_ms);
    }
    printf("gave %s\npeak %ld\n", text, peak_kib());
    free(script);
    return 0;
}

/* FIEF_CONF=debug:check */
#include <fief/fief.h>
#include <pthread.h>

static void *collect(void *f) {
    fief_free(f, fief_alloc(f, 32));
    return NULL;
}

static bool start_collector(fief *f, size_t wanted_bytes, void *arg) {
    pthread_t collector;
    return pthread_create(&collector, NULL, collect, f) == 0 && pthread_join(collector, NULL) != 0;
}

int main(void) {
    fief *f;
    fief_config config = FIEF_CONFIG_INIT;
    config.limit = (fief_limit){.soft_bytes = 64 << 10, .pressure = start_collector};
    fief_create(&f, &config);
    fief_free(f, fief_alloc(f, 128 << 10));
    fief_destroy(f);
}

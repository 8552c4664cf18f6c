#include "interp/commons.h"

#include "base/lock.h"
#include "interp/life.h"

#include "fief/inline.h"

/* All under FI_RANK_COMMONS. */
static fief *commons; /* made when it is first needed, and for ever */
static uint64_t fail_in;

static bool is_to_fail(void) {
    return fail_in != 0 && --fail_in == 0;
}

static bool is_there(void) {
    static const fief_config config = FIEF_CONFIG_INIT;
    if (FI_UNLIKELY(commons == NULL)) {
        fief_config named = config;
        named.name = "commons";
        (void)fi_life_begin(&commons, &named, NULL, true); /* NULL on failure: the next one tries again */
    }
    return commons != NULL;
}

static void *take(size_t bytes) {
    return is_there() && !is_to_fail() ? fief_inline_alloc(commons, bytes) : NULL;
}

void *fi_commons_alloc(size_t bytes) {
    fi_lock(FI_RANK_COMMONS);
    void *p = take(bytes);
    fi_unlock(FI_RANK_COMMONS);
    return p;
}

void fi_commons_free(void *p) {
    fi_commons_free_batch(&p, p != NULL);
}

size_t fi_commons_alloc_batch(size_t bytes, void **blocks, size_t count) {
    size_t taken = 0;
    fi_lock(FI_RANK_COMMONS);
    while (taken < count && (blocks[taken] = take(bytes)) != NULL)
        taken++;
    fi_unlock(FI_RANK_COMMONS);
    return taken;
}

void fi_commons_free_batch(void **blocks, size_t count) {
    if (count == 0)
        return;
    fi_lock(FI_RANK_COMMONS);
    for (size_t i = 0; i < count; i++)
        fief_inline_free(commons, blocks[i]);
    fi_unlock(FI_RANK_COMMONS);
}

void fi_commons_trim(void) {
    fi_lock(FI_RANK_COMMONS);
    if (commons != NULL)
        fief_trim(commons);
    fi_unlock(FI_RANK_COMMONS);
}

uint64_t fi_commons_live_blocks(void) {
    fief_stats stats = {0};
    fi_lock(FI_RANK_COMMONS);
    if (commons != NULL) {
        fief_stats_publish(commons);
        fief_stats_read(commons, &stats);
    }
    fi_unlock(FI_RANK_COMMONS);
    return stats.live_blocks;
}

void fi_commons_fail_at(uint64_t nth) {
    fi_lock(FI_RANK_COMMONS);
    fail_in = nth;
    fi_unlock(FI_RANK_COMMONS);
}

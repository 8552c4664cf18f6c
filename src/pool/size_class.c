#include "pool/size_class.h"

/* Powers of two divide 2^64: for them UINT64_MAX / s is one too small. */
#define MULTIPLIER(s) (UINT64_MAX / (s) + 1 + (((s) & ((s)-1)) == 0))
#define CLASS(s)                                                                                                  \
    { MULTIPLIER(UINT64_C(s)), (s) }

#define FINE_8(s)                                                                                                 \
    CLASS((s) + 8), CLASS((s) + 16), CLASS((s) + 24), CLASS((s) + 32), CLASS((s) + 40), CLASS((s) + 48),          \
        CLASS((s) + 56), CLASS((s) + 64)

/* One doubling: from s to 2 * s in eight steps. */
#define COARSE_8(s)                                                                                               \
    CLASS((s)*9 / 8), CLASS((s)*10 / 8), CLASS((s)*11 / 8), CLASS((s)*12 / 8), CLASS((s)*13 / 8),                 \
        CLASS((s)*14 / 8), CLASS((s)*15 / 8), CLASS((s)*2)

const fi_size_class fi_size_classes[FI_CLASSES] = {
    CLASS(16),   CLASS(16),     CLASS(24),      CLASS(32),      CLASS(40),      CLASS(48),      CLASS(56),
    CLASS(64),   FINE_8(64),    FINE_8(128),    FINE_8(192),    FINE_8(256),    FINE_8(320),    FINE_8(384),
    FINE_8(448), COARSE_8(512), COARSE_8(1024), COARSE_8(2048), COARSE_8(4096), COARSE_8(8192),
};

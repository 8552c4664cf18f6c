/* Atomic operations, each with its memory order in its name.
 *
 * They work on plain objects: a field that its owner alone writes is read by the owner plainly (and folds into an
 * instruction's operand on the fast path) and by others through these.
 *
 * Sequence locks here have no fences: the fields are stored with release and loaded with acquire, so that whoever
 * sees a field's new value also sees the odd number before it. */
#ifndef FI_BASE_ATOMICS_H
#define FI_BASE_ATOMICS_H

#define fi_load_relaxed(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define fi_load_acquire(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define fi_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define fi_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define fi_exchange_acq_rel(p, v) __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)
#define fi_add_relaxed(p, v) __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define fi_sub_acq_rel(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_ACQ_REL)
#define fi_load_seq_cst(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)
#define fi_store_seq_cst(p, v) __atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
#define fi_add_seq_cst(p, v) __atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST)
#define fi_exchange_seq_cst(p, v) __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define fi_sub_seq_cst(p, v) __atomic_fetch_sub((p), (v), __ATOMIC_SEQ_CST)
#define fi_and_acq_rel(p, v) __atomic_fetch_and((p), (v), __ATOMIC_ACQ_REL)
#define fi_or_acq_rel(p, v) __atomic_fetch_or((p), (v), __ATOMIC_ACQ_REL)

/* True if *p was *expected and is now v; else *expected holds what was found. */
#define fi_cas_acq_rel(p, expected, v)                                                                            \
    __atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)

/* Waits for a moment, in a loop that waits for another thread's store. */
static inline void fi_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* The same in one order with all others that say so. */
#define fi_cas_seq_cst(p, expected, v)                                                                            \
    __atomic_compare_exchange_n((p), (expected), (v), false, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE)

#endif

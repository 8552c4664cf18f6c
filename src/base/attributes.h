/* What the compiler is told about a function or a branch. */
#ifndef FI_BASE_ATTRIBUTES_H
#define FI_BASE_ATTRIBUTES_H

#define FI_LIKELY(x) __builtin_expect(!!(x), 1)
#define FI_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Out of line: the slow half of a hot function, and still worth its speed. */
#define FI_SLOW __attribute__((noinline))

/* Rare enough to be made small instead, and to lie away from the hot code. */
#define FI_COLD __attribute__((cold, noinline))

/* Hot entry points start on a cache line of their own, so that their length in lines does not depend on the
 * neighbours. */
#define FI_HOT __attribute__((hot, aligned(64)))

/* Where the function that this stands in returns to. */
#define FI_CALLER() __builtin_return_address(0)
/* At a fixed place from the thread's pointer: no call to find it, also in a shared library. Small things only. */
#define FI_THREAD_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))

/* Reads words of the stack that AddressSanitizer has laid red zones around. */
#define FI_UNCHECKED_STACK __attribute__((no_sanitize_address))

#define FI_MUST_USE __attribute__((warn_unused_result))
#define FI_PRINTF(at, first) __attribute__((format(printf, at, first)))

#endif

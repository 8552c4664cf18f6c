/* Faults, on Linux. */
#define _GNU_SOURCE
#include "base/atomics.h"
#include "os/backtrace.h"
#include "os/os.h"

#include <signal.h>
#include <ucontext.h>

static fi_fault_fn *handler;
static struct sigaction previous[2]; /* of SIGSEGV, SIGBUS */
static uint64_t installed;

static struct sigaction *previous_of(int number) {
    return &previous[number == SIGBUS];
}

#if defined(__x86_64__)

static const void *pc_of(const ucontext_t *context) {
    return (const void *)(uintptr_t)context->uc_mcontext.gregs[REG_RIP];
}

static fi_fault_kind kind_of(const ucontext_t *context) {
    return (context->uc_mcontext.gregs[REG_ERR] & 2) != 0 ? FI_FAULT_WRITE : FI_FAULT_READ;
}

/* Rules are looked up for what was called, which is before what a call returns to. */
static fi_registers registers_of(const ucontext_t *context) {
    const greg_t *registers = context->uc_mcontext.gregs;
    return (fi_registers){(uintptr_t)registers[REG_RIP] + 1, (uintptr_t)registers[REG_RSP],
                          (uintptr_t)registers[REG_RBP]};
}

#elif defined(__aarch64__)

static const void *pc_of(const ucontext_t *context) {
    return (const void *)(uintptr_t)context->uc_mcontext.pc;
}

static fi_fault_kind kind_of(const ucontext_t *context) {
    (void)context;
    return FI_FAULT_ACCESS;
}

static fi_registers registers_of(const ucontext_t *context) {
    return (fi_registers){0, (uintptr_t)context->uc_mcontext.sp, (uintptr_t)context->uc_mcontext.regs[29]};
}

#else

static const void *pc_of(const ucontext_t *context) {
    (void)context;
    return NULL;
}

static fi_fault_kind kind_of(const ucontext_t *context) {
    (void)context;
    return FI_FAULT_ACCESS;
}

static fi_registers registers_of(const ucontext_t *context) {
    (void)context;
    return (fi_registers){0, 0, 0};
}

#endif

/* To whoever was there before. The default is put back, and the access tried again: the program then ends as if
 * nobody had looked. */
static void hand_on(int number, siginfo_t *info, void *context) {
    const struct sigaction *before = previous_of(number);
    if ((before->sa_flags & SA_SIGINFO) != 0)
        before->sa_sigaction(number, info, context);
    else if (before->sa_handler != SIG_DFL && before->sa_handler != SIG_IGN)
        before->sa_handler(number);
    else
        sigaction(number, before, NULL);
}

static void meet(int number, siginfo_t *info, void *context) {
    const fi_registers at = registers_of(context);
    const fi_fault fault = {info->si_addr, pc_of(context), kind_of(context), &at};
    if (info->si_code <= 0 || !handler(&fault)) /* not of the processor's: somebody sent it */
        hand_on(number, info, context);
}

static bool install(int number) {
    struct sigaction action = {.sa_sigaction = meet, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    return sigaction(number, NULL, previous_of(number)) == 0 && sigaction(number, &action, NULL) == 0;
}

bool fi_os_catch_faults(fi_fault_fn *fn) {
    if (fi_or_acq_rel(&installed, 1) != 0)
        return true;
    handler = fn;
    return install(SIGSEGV) && install(SIGBUS);
}

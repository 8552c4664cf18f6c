/* Faults, on Linux. */
#define _GNU_SOURCE
#include "base/atomics.h"
#include "os/backtrace.h"
#include "os/os.h"

#include <signal.h>
#include <string.h>
#include <ucontext.h>

static fi_fault_fn *is_handled, *handler;
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

static char *sp_of(const ucontext_t *context) {
    return (char *)(uintptr_t)context->uc_mcontext.gregs[REG_RSP];
}

static bool call_on(char *stack, const fi_fault *fault) {
    bool result;
    __asm__ volatile("movq %%rsp, %%rbx\n\t"
                     "movq %[stack], %%rsp\n\t"
                     "call *%[fn]\n\t"
                     "movq %%rbx, %%rsp"
                     : "=a"(result), "+D"(fault), [stack] "+r"(stack)
                     : [fn] "r"(handler)
                     : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "memory", "cc", "xmm0", "xmm1",
                       "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
                       "xmm13", "xmm14", "xmm15");
    return result;
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

static char *sp_of(const ucontext_t *context) {
    return (char *)(uintptr_t)context->uc_mcontext.sp;
}

static bool call_on(char *stack, const fi_fault *fault) {
    register const fi_fault *argument __asm__("x0") = fault;
    register char *top __asm__("x1") = stack;
    register fi_fault_fn *fn __asm__("x2") = handler;
    __asm__ volatile("mov x19, sp\n\t"
                     "mov sp, x1\n\t"
                     "blr x2\n\t"
                     "mov sp, x19"
                     : "+r"(argument), "+r"(top), "+r"(fn)
                     :
                     : "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
                       "x17", "x19", "x30", "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8",
                       "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21",
                       "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31");
    return ((uintptr_t)argument & 1) != 0;
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

static char *sp_of(const ucontext_t *context) {
    (void)context;
    return NULL;
}

static bool call_on(char *stack, const fi_fault *fault) {
    (void)stack;
    return handler(fault);
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

/* A report takes more than the 8 KiB that a stack for signals may have. What was interrupted has room, behind what
 * it may use below its stack pointer. Zeros end whoever walks the stack there. */
static bool handle(const fi_fault *fault, const ucontext_t *context) {
    enum { RED_ZONE_BYTES = 128, ZEROS_BYTES = 512 };
    const char *here = __builtin_frame_address(0), *small = context->uc_stack.ss_sp;
    bool is_on_small =
        (context->uc_stack.ss_flags & SS_DISABLE) == 0 && (size_t)(here - small) < context->uc_stack.ss_size;
    if (!is_on_small || sp_of(context) == NULL)
        return handler(fault);
    char *stack = (char *)(((uintptr_t)sp_of(context) - RED_ZONE_BYTES - ZEROS_BYTES) & ~(uintptr_t)15);
    memset(stack, 0, ZEROS_BYTES);
    return call_on(stack, fault);
}

static void meet(int number, siginfo_t *info, void *context) {
    const fi_registers at = registers_of(context);
    const fi_fault fault = {info->si_addr, pc_of(context), kind_of(context), &at};
    bool is_sent = info->si_code <= 0; /* by somebody, not by the processor */
    if (is_sent || !is_handled(&fault) || !handle(&fault, context))
        hand_on(number, info, context);
}

static bool install(int number) {
    struct sigaction action = {.sa_sigaction = meet, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    return sigaction(number, NULL, previous_of(number)) == 0 && sigaction(number, &action, NULL) == 0;
}

bool fi_os_catch_faults(fi_fault_fn *concerns, fi_fault_fn *fn) {
    if (fi_or_acq_rel(&installed, 1) != 0)
        return true;
    is_handled = concerns;
    handler = fn;
    return install(SIGSEGV) && install(SIGBUS);
}

/* A program that embeds python and links the adapter, with its header: heaps by interpreter, a limit, and what an
 * ended interpreter leaves. */
#include "fief/adapter/cpython.h"

#include <Python.h>
#include <stdio.h>

static int number;

static void check(bool good, const char *what) {
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++number, what);
}

static uint64_t live_blocks(fief *heap) {
    fief_stats stats;
    fief_stats_publish(heap);
    fief_stats_read(heap, &stats);
    return stats.live_blocks;
}

static void check_interpreter(void) {
    PyThreadState *main_thread = PyThreadState_Get();
    PyThreadState *thread = Py_NewInterpreter();
    int64_t id = PyInterpreterState_GetID(PyThreadState_GetInterpreter(thread));
    check(PyRun_SimpleString("kept = [str(i) for i in range(1000)]") == 0, "an interpreter runs");
    fief *heap = fief_cpython_heap(id);
    check(heap != NULL && live_blocks(heap) > 1000, "it has a heap");
    Py_EndInterpreter(thread);
    PyThreadState_Swap(main_thread);
    check(fief_cpython_reap() == 1, "what it leaves is torn down");
    check(fief_cpython_heap(id) == NULL, "and then it has none");
    check(fief_cpython_reap() == 0, "once");
}

int main(void) {
    fief_cpython_config config = FIEF_CPYTHON_CONFIG_INIT;
    config.limit_bytes = 64 << 20;
    check(fief_cpython_refusal() == NULL, "loading the library installs it");
    check(fief_cpython_install(&config) == FIEF_OK, "the modes are set");
    config.size = 1;
    check(fief_cpython_install(&config) == FIEF_BAD_ARGUMENT, "a config of another size is refused");

    Py_InitializeEx(0);
    fief *heap = fief_cpython_heap(0);
    check(heap != NULL && live_blocks(heap) > 1000, "the main interpreter has a heap");
    void *block = PyMem_Malloc(10);
    check(fief_owner(block) == fief_id_of(heap), "its blocks are in it");
    PyMem_Free(block);
    check(PyRun_SimpleString("try: bytearray(100 << 20)\n"
                             "except MemoryError: pass\n"
                             "else: raise AssertionError") == 0,
          "the limit holds");
    check_interpreter();
    check(Py_FinalizeEx() == 0, "the runtime ends");
    printf("1..%d\n", number);
    return 0;
}

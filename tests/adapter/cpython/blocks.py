"""CPython's rules for blocks, asked of the functions themselves. Prints what was broken."""

import ctypes

api = ctypes.pythonapi
failures = []


def function(name, *kinds):
    found = getattr(api, name)
    found.argtypes = kinds
    found.restype = None if name.endswith("Free") else ctypes.c_void_p
    return found


def check(good, what):
    if not good:
        failures.append(what)


for domain in ("PyMem", "PyObject"):
    malloc = function(domain + "_Malloc", ctypes.c_size_t)
    calloc = function(domain + "_Calloc", ctypes.c_size_t, ctypes.c_size_t)
    realloc = function(domain + "_Realloc", ctypes.c_void_p, ctypes.c_size_t)
    free = function(domain + "_Free", ctypes.c_void_p)

    empty = [malloc(0) for _ in range(100)] + [calloc(0, 8), calloc(8, 0), realloc(None, 0)]
    check(all(empty) and len(set(empty)) == len(empty), domain + ": size 0 gives blocks of their own")
    check(realloc(empty[0], 0) is not None, domain + ": realloc to 0 is no free")
    for size in (1, 7, 16, 17, 100, 511, 512, 513, 5000, 70000, 3 << 20):
        block = malloc(size)
        check(block % 16 == 0, "%s: %d bytes are aligned" % (domain, size))
        ctypes.memset(block, 0xAB, size)
        grown = realloc(block, size * 3)
        check(ctypes.string_at(grown, size) == b"\xab" * size, "%s: %d bytes grow" % (domain, size))
        shrunk = realloc(grown, (size + 1) // 2)
        check(ctypes.string_at(shrunk, (size + 1) // 2) == b"\xab" * ((size + 1) // 2),
              "%s: %d bytes shrink" % (domain, size))
        free(shrunk)
        zeros = calloc(1, size)
        check(ctypes.string_at(zeros, size) == bytes(size), "%s: %d bytes are zeros" % (domain, size))
        free(zeros)
    check(malloc(2 ** 63 - 1) is None and calloc(2 ** 40, 2 ** 40) is None, domain + ": too much gives NULL")
    free(None)
print("\n".join(failures) or "all rules kept")

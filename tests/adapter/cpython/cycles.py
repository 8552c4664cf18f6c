"""Creates, runs and ends interpreters: "cycles.py COUNT isolated|legacy|threads". Prints what the process
grew a cycle, in KiB, after the first ten."""

import sys
import threading

CODE = "import json, re\nkept = [json.dumps({'key': i}) for i in range(300)]\nre.findall('a', 'banana')"

try:
    import _interpreters  # 3.13

    def create(kind):
        return _interpreters.create(kind)
    run, destroy = _interpreters.exec, _interpreters.destroy
except ImportError:
    import _xxsubinterpreters

    def create(kind):
        return _xxsubinterpreters.create(isolated=kind == "isolated")
    run, destroy = _xxsubinterpreters.run_string, _xxsubinterpreters.destroy


def cycle(kind):
    interpreter = create(kind)
    run(interpreter, CODE)
    destroy(interpreter)


def resident_kib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def cycles(count, kind):
    for _ in range(count):
        cycle(kind)


count, kind = int(sys.argv[1]), sys.argv[2]
if kind == "threads":
    threads = [threading.Thread(target=cycles, args=(count, "isolated")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print("done")
else:
    cycles(10, kind)
    before = resident_kib()
    cycles(count, kind)
    print((resident_kib() - before) / count)

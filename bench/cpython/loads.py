"""Loads for bench/cpython.py: "loads.py NAME". Prints the load's time of the processor and by the clock, in
seconds, and the most memory that was ever resident, in KiB."""

import os
import random
import sys
import time


def tree(depth):
    return {"depth": depth, "text": "x" * depth * 5, "numbers": [depth, depth / 3], "flag": True, "none": None,
            "children": [tree(depth - 1) for _ in range(3)] if depth else []}


def load_json():
    import json
    value = tree(7)
    for _ in range(12):
        value = json.loads(json.dumps(value))


def load_pickle():
    import pickle
    value = tree(7)
    for _ in range(20):
        value = pickle.loads(pickle.dumps(value))


def load_re():
    import re
    words = re.compile(r"(\w+)\s*=\s*(\w+|\"[^\"]*\");")
    text = "".join("key%d = value%d; name = \"some text\";\n" % (i, i * i) for i in range(4000))
    for _ in range(25):
        words.findall(text)
        words.sub(r"\2=\1", text)


def load_compileall():
    """The standard library's modules, one by one, as compileall does; but to memory."""
    folder = os.path.dirname(os.__file__)
    for name in sorted(os.listdir(folder)):
        if name.endswith(".py"):
            with open(os.path.join(folder, name), "rb") as file:
                compile(file.read(), name, "exec", dont_inherit=True)


def load_asyncio():
    import asyncio

    async def branch(depth):
        if depth == 0:
            await asyncio.sleep(0)
            return 1
        return sum(await asyncio.gather(*(branch(depth - 1) for _ in range(6))))

    for _ in range(3):
        asyncio.run(branch(5))


def load_deepcopy():
    import copy
    value = tree(4)
    for _ in range(60):
        copy.deepcopy(value)


class Node:
    def __init__(self, key):
        self.key, self.left, self.right = key, None, None


def insert(root, key):
    while True:
        side = "left" if key < root.key else "right"
        child = getattr(root, side)
        if child is None:
            setattr(root, side, Node(key))
            return
        root = child


def load_btree():
    numbers = random.Random(1)
    for _ in range(3):
        root = Node(0.5)
        for _ in range(30000):
            insert(root, numbers.random())


class Packet:
    def __init__(self, kind, data):
        self.kind, self.data, self.link = kind, data, None


class Worker:
    """Hands packets on, in the manner of the Richards benchmark."""

    def __init__(self):
        self.queue = []

    def run(self, other):
        if self.queue:
            packet = self.queue.pop(0)
            other.queue.append(Packet(packet.kind, [item + 1 for item in packet.data]))


def load_richards():
    workers = [Worker() for _ in range(6)]
    for i, worker in enumerate(workers):
        worker.queue.append(Packet(i, [i] * 4))
    for turn in range(400000):
        workers[turn % 6].run(workers[(turn * 5 + 1) % 6])


def load_strings():
    for _ in range(40):
        lines = ["%d;%s;%f" % (i, "name" * (i % 9), i / 7) for i in range(10000)]
        "\n".join(sorted(line.upper() for line in lines)).split(";")


def load_floats():
    for _ in range(30):
        numbers = [float(i) * 1.5 for i in range(100000)]
        [a * b for a, b in zip(numbers, reversed(numbers))]


def load_start():
    """Nothing: what a python takes that has just begun."""


LOADS = [name[len("load_"):] for name in list(globals()) if name.startswith("load_")]


def most_resident_kib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


if __name__ == "__main__":
    processor, clock = time.process_time(), time.perf_counter()
    globals()["load_" + sys.argv[1]]()
    print(time.process_time() - processor, time.perf_counter() - clock, most_resident_kib())

"""What programs in Python do, with an output that tells whether it was done right: the same with any allocator."""

import asyncio
import compileall
import copy
import hashlib
import io
import json
import multiprocessing
import os
import pickle
import re
import sys
import tempfile
import threading


def tell(what, value):
    print(what, hashlib.sha256(repr(value).encode()).hexdigest()[:16], flush=True)


def tree(depth):
    return {"depth": depth, "text": "x" * depth * 7, "floats": [depth / 3] * depth,
            "children": [tree(depth - 1) for _ in range(3)] if depth else None}


def use_json():
    text = json.dumps(tree(6))
    for _ in range(3):
        text = json.dumps(json.loads(text), indent=1)
    tell("json", text)


def use_pickle():
    value = tree(6)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        value = pickle.loads(pickle.dumps(value, protocol))
    tell("pickle", copy.deepcopy(value))


def use_re():
    text = "".join("%d: key%d = value %d; " % (i, i % 7, i * i) for i in range(3000))
    tell("re", [re.findall(r"(\w+)\s*=\s*(\w+ \d+)", text), re.sub(r"\d+", lambda m: m.group()[::-1], text)])


def use_bytes():
    """Blocks that grow and shrink, of all sizes."""
    out = io.BytesIO()
    for i in range(2000):
        block = bytearray(i)
        block.extend(b"y" * (i % 513))
        del block[i // 2:]
        out.write(block)
    tell("bytes", out.getvalue())


def use_compileall():
    """A part of the standard library, compiled into another folder."""
    source = os.path.dirname(json.__file__)
    with tempfile.TemporaryDirectory() as folder:
        for name in sorted(os.listdir(source)):
            if name.endswith(".py"):
                with open(os.path.join(source, name)) as file, open(os.path.join(folder, name), "w") as copied:
                    copied.write(file.read())
        done = compileall.compile_dir(folder, quiet=1, stripdir=folder)
        made = [sorted(files) for _, _, files in os.walk(folder)]
    tell("compileall", (done, made))


def use_asyncio():
    async def branch(depth):
        if depth == 0:
            await asyncio.sleep(0)
            return 1
        return sum(await asyncio.gather(*(branch(depth - 1) for _ in range(5))))
    tell("asyncio", asyncio.run(branch(4)))


def use_threads():
    results = [None] * 6

    def work(i):
        results[i] = sum(len(str(j)) for j in range(i, 20000))
    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tell("threads", results)


def square(n):
    return n * n


def use_processes():
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            tell(method, pool.map(square, range(500)))


def use_fork():
    kept = [str(i) for i in range(10000)]
    child = os.fork()
    if child == 0:
        del kept
        os._exit(len(json.dumps(tree(3))) % 100)
    tell("forked", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


if __name__ == "__main__":
    for use in (use_json, use_pickle, use_re, use_bytes, use_compileall, use_asyncio, use_threads, use_fork,
                use_processes):
        use()
    print("written to stderr", file=sys.stderr)
    sys.exit(7)

#!/usr/bin/env python3
"""fief.py in gdb: what it says of heaps whose contents are known. Speaks TAP.

  run.py FIEF_PY STATIC_HEAPS SHARED_HEAPS LIBFIEF

Each program runs under gdb in batch mode until it stops itself. The same questions are asked of the live process, of a
core file that gdb writes, and of a program that uses the shared library, where gdb finds fief.py by itself.
"""
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from tap import Tap

CORE_BYTES = 1 << 30  # no file of gdb's becomes larger

# What to ask, and what the answer has to have (a regular expression each).
QUESTIONS = [
    ("fief list", [
        r"id +name +state +level +blocks +bytes +arenas +charged",
        r'"plain" +live +off +992 +3,152,672 +2 ',
        r'"checked" +live +check +23 +82,056 ',
        r'"deep" +live +full +7 +448 ',
        r'"guarded" +live +guard +2 +10,024 ',
        r'"sampled" +live +off, 1 in 1 guarded +300 ',
        r'"big" +live +check +100,000 ',
        r'"frozen" +live +off, immortal +101 ', r'"frozen checked" +live +check, immortal +101 ',
        r'"ended" +ended +check +- ']),
    ("fief heap plain --class 48 --limit 2", [
        r"level off", r"1 large block, 100 KiB", r"1 huge block", r"\n +48 +1 +\d+ +\d+ +\d+ +[\d,]+ +[\d,]+\n",
        r"total: 992 live blocks, 3,152,672 bytes; of them 4 freed by others, and not taken in yet",
        r"0x\w+ +48 bytes\n  0x\w+ +48 bytes\n  and \d+ more", r"fief counts the same"]),
    ("fief heap checked --blocks --limit 100", [
        r'100 bytes, tag "node", allocation 71, leak_node at heaps.c:\d+',
        r"40,000 bytes, domain mem, allocation 91, leak_page at heaps.c:\d+", r"56 bytes, freed by another",
        r"total: 23 live blocks, 82,056 bytes; of them 1 freed by others", r"fief counts the same"]),
    ("fief heap guarded", [r"2 arenas of guarded places: 128, 2 live", r"total: 2 live blocks, 10,024 bytes",
                           r"fief counts the same"]),
    ("fief heap sampled", [r"total: 300 live blocks", r"fief counts the same"]),
    ("fief heap big", [r"total: 100,000 live blocks, 4,749,488 bytes", r"fief counts the same"]),
    ("fief leaks checked", [
        r"80,000 bytes in 2 blocks, domain mem, [^\n]*\n    #0 +leak_page at heaps.c:\d+\n"
        r'  2,000 bytes in 20 blocks, tag "node", [^\n]*\n    #0 +leak_node at heaps.c:\d+\n',
        r"total: 22 blocks live, 82,000 bytes, in 2 groups"]),
    ("fief leaks deep", [r"448 bytes in 7 blocks, domain obj", r"#0 +descend at heaps.c:\d+\n    #1 +descend"]),
    ("fief leaks plain", [r"no sites are known: by size", r"total: 988 blocks live"]),
    ("fief leaks big", [r"total: 100,000 blocks live, 4,749,488 bytes, in 1 group"]),
    ("fief check big", [r"at the fences of 100,000 blocks", r"everything is as it should be"]),
    ("fief check frozen", [r"everything is as it should be"]),
    ("fief check frozen checked", [r"at the fences of 101 blocks", r"everything is as it should be"]),
    ("fief heap frozen", [r"total: 101 live blocks", r"fief counts the same"]),
    ("fief explain t_none", [r": a live block\n", r'owner +interpreter \d+ "frozen" \(live, level off, immortal\)']),
    ("fief explain t_nil", [r": a live block\n", r"40 bytes asked for"]),
    ("fief heap receiver", [r"total: 1,000 live blocks", r"fief counts the same"]),
    ("fief check receiver", [r"everything is as it should be"]),
    ("fief heap parcel of receiver", [r"has no heap to walk"]),
    ("fief check plain", [r"everything is as it should be"]),
    ("fief check checked", [r"fill of \d\d blocks in quarantine", r"everything is as it should be"]),
    ("fief check guarded", [r"at the fences of 2 blocks", r"everything is as it should be"]),
    ("fief check sampled", [r"everything is as it should be"]),
    ("fief check circle", [r"wrong: the free list of the pool at 0x\w+ goes in a circle", r"found 1 problem"]),
    ("fief heap circle", [r"goes in a circle", r"total: 0 live blocks"]),
    ("fief check astray", [r"wrong: the free list .* to 0x4141414141414140, which is no block", r"found 1 problem"]),
    ("fief check elsewhere", [r"wrong: the free list .*, which is no block of this pool", r"found 1 problem"]),
    ("fief check marked", [r"wrong: the free block 0x\w+ was written to: its mark is 0x7", r"found 1 problem"]),
    ("fief check overrun", [r"wrong: overflow: 3 bytes were changed right behind the end of the block 0x\w+ of 100 "
                            r'bytes, tag "node" from leak_node at heaps.c:\d+', r"found 1 problem"]),
    ("fief check underrun", [r"wrong: underflow: 4 bytes were changed before the block", r"found 1 problem"]),
    ("fief check stale", [r"wrong: written after its free: 5 bytes of the block .*, the first at byte 9",
                          r"found 1 problem"]),
    ("fief check wreck", [r"begins with 0xa5a5a5a5a5a5a5a5, which is no block of this heap", r"found \d+ problems"]),
    ("fief heap wreck", [r"not as it should be", r"total: 1 live block, 64 bytes", r"fief counts 16 blocks"]),
    ("fief explain t_live", [r": a live block\n", r'owner +interpreter \d+ "plain" \(live, level off\)', r"arena +0x",
                             r"pool +0x\w+, blocks of 48 bytes", r"block +0x\w+, 48 bytes, index \d+"]),
    ("fief explain t_live+9", [r": interior, 9 bytes into a live block\n"]),
    ("fief explain t_freed", [r": a free block, back in its pool\n"]),
    ("fief explain t_listed", [r": a free block, in the handle's list"]),
    ("fief explain t_sent", [r": a block that another freed, and its owner has not taken in yet\n"]),
    ("fief explain t_large+70000", [r": interior, 70,000 bytes into a live block\n", r"one large block of 102,400 bytes"]),
    ("fief explain t_huge", [r": a block that another freed", r"one huge block of 3,002,368 bytes"]),
    ("fief explain t_node", [r": a live block\n", r"100 bytes asked for, in a slot of 128, index 19",
                             r'made +allocation 90, .*by thread \d+, aligned to 16, tag "node"\n    #0 +leak_node at']),
    ("fief explain t_node+100", [r": right behind the end of a live block\n"]),
    ("fief explain t_page+39999", [r": interior, 39,999 bytes into a live block\n", r"domain mem"]),
    ("fief explain t_held", [r": a freed block, held in quarantine\n", r"77 bytes asked for",
                             r'freed +.*, for interpreter \d+ "checked" .*\n    #0 +\w+ at heaps.c:\d+']),
    ("fief explain t_routed", [r": a freed block, held in quarantine\n", r'freed +.*, for interpreter \d+ "other"']),
    ("fief explain t_waits", [r": a block that another freed", r"freed +.*, without a handle, by thread"]),
    ("fief explain t_deep", [r": a live block\n", r"domain obj\n    #0 +descend at .*\n    #1 +descend at "]),
    ("fief explain t_guarded+3", [r": interior, 3 bytes into a live block\n", r"127 guarded places"]),
    ("fief explain t_gone", [r": a freed block, its page not to be touched\n", r"10 bytes asked for"]),
    ("fief explain t_gone+16", [r": in the guard page behind a freed block\n",
                                r"next +\d+ bytes before the block 0x\w+ of 24 bytes \(live\)"]),
    ("fief explain t_wide+10000", [r": in the guard page behind a live block\n"]),
    ("fief explain t_ended", [r": given back: its interpreter has ended\n", r'"ended" \(ended, level check\)',
                              r"allocation 1, .*tag \"node\"\n    #0 +leak_node at"]),
    ("fief explain t_forgotten", [r": given back: no block is there any more\n",
                                  r"interpreter 1 \(ended; its name is forgotten\)"]),
    ("fief explain t_handle", [r': in the handle of interpreter \d+ "plain", no block\n']),
    ("fief explain fi_the_map.pools", [r": in fief's own tables, no block: the descriptor of a granule"]),
    ("fief explain &t_local", [r": not fief's\n", r"symbol +t_local"]),
    ("fief explain 0", [r"0x0: not fief's\n"]),
    ("fief explain -1", [r"0xffffffffffffffff: not fief's\n"]),
    ("fief explain t_nothing", [r"fief: that is no address: No symbol"]),
    ("fief explain", [r"fief: usage: fief explain ADDRESS"]),
    ("fief heap", [r"fief: usage: fief heap"]),
    ("fief heap ended", [r"fief: interpreter \d+ \"ended\" has ended: its heap is gone"]),
    ("fief heap nobody", [r"fief: no interpreter 'nobody' is known"]),
    ("fief heap e", [r"fief: 'e' may be any of "]),
    ("fief heap plain --nonsense", [r"fief: there is no option --nonsense"]),
    ("fief leaks plain --limit x", [r"fief: --limit takes a number"]),
]

# Each of these puts garbage somewhere that fief.py follows; in a live process alone, since a core can't be written.
VANDALS = [
    ("set var t_handle->arenas = (void *)0x10", "the handle's table of arenas"),
    ("set var t_handle->arena_end = 0xffffffff", "the handle's table of arenas is damaged"),
    ("set var t_handle->arenas[0]->owner = (void *)8", "does not belong to this heap"),
    ("set var fi_the_map.pools[t_pool].base = 7", "has a damaged descriptor"),
    ("set var fi_the_map.pools[t_pool].carved = 65535", "has counts that can't be"),
    ("set var fi_the_map.pools[t_pool].size_class = 200", "is of class 200, which there is none of"),
    ("set var fi_the_map.pools[t_pool].state = 99", "has a damaged descriptor"),
    ("set var fi_the_map.pools[t_pool].next = 99999", None),
    ("set var t_handle->own_lists = (void *)0x18", "the handle's lists"),
    ("set var t_handle->debug = (void *)0x18", "what is known for debugging"),
    ("set var t_handle->id = 77", "is damaged: it says that it is interpreter 77's"),
]


def limit_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (CORE_BYTES, CORE_BYTES))


def gdb(commands, *arguments, before=()):
    """What gdb says to each command, and before the first."""
    call = ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-iex", "set pagination off",
            "-iex", "set width 0"]
    for command in before:
        call += ["-iex", command]
    for i, command in enumerate(commands):
        call += ["-ex", "echo \\n==== %d\\n" % i, "-ex", command]
    done = subprocess.run(call + list(arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
                          stdin=subprocess.DEVNULL, preexec_fn=limit_files, check=False)
    parts = re.split(r"\n==== \d+\n", done.stdout.decode(errors="replace"))
    return parts[1:] + [""] * (len(commands) + 1 - len(parts)), parts[0]


def check_questions(tap, title, answers):
    for (question, wanted), answer in zip(QUESTIONS, answers):
        missing = [w for w in wanted if not re.search(w, answer)]
        traced = "Traceback" in answer or "Python" in answer or "gave up" in answer
        tap.check(not missing and not traced, "%s: %s" % (title, question),
                  "".join("not found: %s\n" % m for m in missing) + answer)


def ask(tap, title, first, *arguments, before=()):
    """`first`: the commands that come before the questions."""
    answers, start = gdb(first + [q for q, _ in QUESTIONS], *arguments, before=before)
    check_questions(tap, title, answers[len(first):])
    return start


def check_stop(program):
    """Why gdb can't run programs here; None: it can."""
    if shutil.which("gdb") is None:
        return "gdb is not installed"
    answers, _ = gdb(["python print(6 * 7)"])
    if "42" not in answers[0]:
        return "gdb has no Python"
    answers, start = gdb(["run", "info program"], "--args", program, "small")
    if "SIGTRAP" not in answers[0]:
        return "gdb can't run programs here: " + " ".join((start + answers[0]).split())[-200:]
    return None


def check_core(tap, source, program, folder):
    core = os.path.join(folder, "core")
    answers, _ = gdb(["run", "generate-core-file " + core], "--args", program, "small")
    tap.check(os.path.exists(core), "gdb writes a core file", answers[1])
    ask(tap, "core", ["source " + source], program, core)
    os.remove(core)


def check_vandals(tap, source, program):
    find = "set var $pool = t_handle->arenas[0]->slot * 4 + 1"  # the one behind the handle's granule
    for command, wanted in VANDALS:
        first = ["source " + source, "run", find, command.replace("t_pool", "$pool")]
        verbs = ["fief check plain", "fief heap plain --blocks", "fief leaks plain", "fief explain t_live", "fief list"]
        answers, _ = gdb(first + verbs, "--args", program)
        told = "\n".join(answers[len(first) - 1:])
        good = (wanted or "") in told and "Traceback" not in told and "gave up" not in told and '"deep"' in answers[-1]
        tap.check(good, "garbage: " + command, told)


def check_lack(tap, source, static, shared, library, folder):
    """What is said where there is nothing to say."""
    answers, _ = gdb(["source " + source, "fief list"], static)
    tap.check("fief: the program does not run" in answers[1], "without a process", answers[1])
    answers, _ = gdb(["source " + source, "starti", "fief list"], shutil.which("true"))
    tap.check("fief: there is no fief in this program" in answers[2], "without fief", answers[2])
    answers, _ = gdb(["source " + source, "break main", "run", "fief list"], static)
    tap.check("fief: no interpreter was ever created" in answers[3], "before the first interpreter", answers[3])
    strip = shutil.which("strip")
    if strip is None:
        return
    bare = os.path.join(folder, "bare")
    os.mkdir(bare)
    for of in (static, library):
        subprocess.run([strip, "-g", "-o", os.path.join(bare, os.path.basename(of)), of], check=True)
    name = os.path.basename(library)
    linked = re.sub(r"(\.so\.\d+)\..*", r"\1", name)  # what programs ask for
    if linked != name:
        os.symlink(name, os.path.join(bare, linked))
    for name, program in (("the shared library", shared), ("the program", os.path.join(bare, os.path.basename(static)))):
        answers, _ = gdb(["source " + source, "run", "fief list"], program,
                         before=["set environment LD_LIBRARY_PATH " + bare])
        tap.check("its debug information is missing" in answers[2] and "Traceback" not in answers[2],
                  "%s without debug information" % name, answers[2])


def check_auto_load(tap, source, shared, library, folder):
    """As it is installed: named after the library, in gdb's folder of such files."""
    root = os.path.join(folder, "auto-load")
    real = os.path.realpath(library)
    os.makedirs(root + os.path.dirname(real))
    shutil.copy(source, root + real + "-gdb.py")
    before = ["set auto-load scripts-directory " + root, "set auto-load safe-path " + root]
    ask(tap, "shared, loaded by gdb", ["run"], "--args", shared, before=before)


def main():
    source, static, shared, library = map(os.path.abspath, sys.argv[1:5])
    reason = check_stop(static)
    if reason is not None:
        print("1..0 # SKIP " + reason)
        return
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        ask(tap, "live", ["source " + source, "run"], "--args", static)
        check_core(tap, source, static, folder)
        check_auto_load(tap, source, shared, library, folder)
        check_vandals(tap, source, static)
        check_lack(tap, source, static, shared, library, folder)
    sys.exit(tap.end())


main()

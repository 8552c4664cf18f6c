#!/usr/bin/env python3
"""fief-lua's states among themselves, from outside: what is sent and given arrives, calls are answered, waiting ends.
Speaks TAP.

  fief_lua_channels.py FIEF_LUA EXAMPLES_FOLDER [--sanitized]
"""
import os
import sys

from fief_lua_tool import Scripts, run_suite

PIPELINE = ["generator.lua", "tokenizer.lua", "counter.lua"]

# What every script below begins with.
PRELUDE = """
local function show(value)
  if type(value) == 'userdata' then value = fief.table(value) end
  if type(value) ~= 'table' then
    return math.type(value) and ('%s %s'):format(math.type(value), value) or ('%s %q'):format(type(value), tostring(value))
  end
  local parts = {}
  for key, item in pairs(value) do parts[#parts + 1] = '[' .. show(key) .. '] = ' .. show(item) end
  table.sort(parts)
  return '{' .. table.concat(parts, ', ') .. '}'
end
local samples = {
  true, false, 0, -1, math.maxinteger, math.mininteger, 1.5, -0.0, 1 / 0, 2^53, '', 'text', 'zero\\0inside\\255',
  ('long'):rep(100000), {}, { 1, 2, 3 }, { name = 'x', [1.5] = true, [true] = 'yes', [-7] = 0 },
  { { { { 'deep', list = { 1, { 2 } } } } } },
}
local deep = {}
for _ = 1, 60 do deep = { deep } end
samples[#samples + 1] = deep
local long = {}
for i = 1, 5000 do long[i] = { number = i, text = 'item ' .. i } end
samples[#samples + 1] = long
"""

SCRIPTS = {
    "echo.lua": """
        while true do
          local from, what, value = fief.receive()
          if what == 'end' then break end
          if what == 'send' then fief.send(from, value) else fief.give(from, value) end
        end
        print('done')""",
    "sender.lua": PRELUDE + """
        for i, sample in ipairs(samples) do
          for _, way in ipairs { 'send', 'give' } do
            assert(fief.send(fief.state + 1, way, sample))
            local from, back = fief.receive()
            assert(from == fief.state + 1)
            assert(show(back) == show(sample), i)
          end
        end
        fief.send(fief.state + 1, 'end')
        print(#samples .. ' there and back')""",
    "given.lua": """
        local value = { 10, 20, 30, name = 'x', inner = { 'a', { 'b' } }, [1.5] = 'float', [false] = 'no', [99] = 'far' }
        assert(fief.give(fief.state, value)) -- to itself
        local from, gift = fief.receive()
        assert(from == fief.state and type(gift) == 'userdata')
        print(#gift, gift[1], gift[3], gift[4], gift[99], gift.name, gift.none, gift[1.5], gift[false], gift[true])
        print(gift.inner[1], gift.inner[2][1], #gift.inner, #gift.inner[2])
        local keys = 0
        for key, item in pairs(gift) do
          keys = keys + 1
          assert(type(item) == 'userdata' or item == value[key])
        end
        for i, item in ipairs(gift) do assert(item == i * 10) end
        print(keys, pcall(function() gift.name = 'y' end))
        local inner = gift.inner[2]
        gift = nil
        for _ = 1, 5 do collectgarbage() end
        print(inner[1]) -- a part keeps the whole
        for _, plain in ipairs { 'text', 7, true, 2.5 } do
          fief.give(fief.state, plain)
          print(select(2, fief.receive()))
        end
        print(fief.poll())
        fief.send(fief.state, 'a', nil, 'c')
        print(fief.poll())""",
    # Finalizers run in the other order than their objects were made: that of a gift may have run before. What one
    # saves may be looked at while others still run, in the middle of a look.
    "late.lua": PRELUDE + """
        local kept
        local function look(o)
          for what, fn in pairs { index = function() return o.gift.inner end, count = function() return #o.gift end,
            all = function() for _ in pairs(o.gift) do end end, rest = function() return o.next(o.gift) end,
            copy = function() return fief.table(o.gift) end } do
            local ok, why = pcall(fn)
            assert(ok or why:find('this gift has been freed', 1, true), why)
            if not ok then o.seen[what] = true end
          end
        end
        local function receive(value)
          fief.give(fief.state, value)
          return select(2, fief.receive())
        end
        local value = { inner = { text = ('x'):rep(10) } }
        for i = 1, 2000 do value[i] = { ('item %d'):format(i), i } end
        local function let_go() -- of all at once, and with nothing left on the stack
          collectgarbage('stop')
          local before = setmetatable({ seen = {} }, { __gc = function(o) look(o) kept = o end })
          before.gift = receive(value)
          before.next = pairs(before.gift)
          for _ = 1, 1000 do setmetatable({}, { __gc = function() end }) end
          setmetatable({ gift = before.gift }, { __gc = function(o) kept = o end })
        end
        for turn = 1, 3 do
          let_go()
          collectgarbage('restart')
          repeat local garbage = { {} } until kept
          repeat
            local ok, got = pcall(fief.table, kept.gift)
            assert(not ok or #got == 2000 and got[2000][1] == 'item 2000' and got.inner.text == 'xxxxxxxxxx')
          until not ok
          repeat local garbage = { {} } until kept.seen
          local seen = {}
          for what in pairs(kept.seen) do seen[#seen + 1] = what end
          table.sort(seen)
          print(table.concat(seen, ' '))
          kept = nil
        end
        at_end = setmetatable({}, { __gc = function(o) print(pcall(fief.table, o.gift)) end })
        at_end.gift = receive(value)""",
    "ender.lua": "for _ = 1, 2 do print(pcall(fief.call, fief.state + 1, 'leave')) end",
    "leaver.lua": """
        function leave() os.exit(3) end
        print('waits')
        while true do pcall(fief.receive) end""",
    "broken.lua": "local x = = 1",
    "holes.lua": """
        fief.give(fief.state, { 1, nil, 3, nil, nil, 6, x = 'y' })
        local gift = select(2, fief.receive())
        for key, item in pairs(gift) do print(key, item) end""",
    "caller.lua": """
        local other = fief.state + 1
        print(fief.call(other, 'add', 1, 2))
        print(fief.call(other, 'several', { 1, 2 }))
        print(fief.call(other, 'nothing'))
        print(pcall(fief.call, other, 'fails'))
        print(pcall(fief.call, other, 'missing'))
        print(pcall(fief.call, other, 'unsendable'))
        print(pcall(fief.call, other, 'waits'))
        fief.send(other, 'end')
        local ok, why
        repeat ok, why = pcall(fief.call, other, 'add', 1, 2) until not ok
        print(ok, why)
        print(pcall(fief.call, fief.state, 'print'))""",
    "callee.lua": """
        function add(a, b) return a + b end
        function several(t) return #t, t[1], t[2], nil, 'last' end
        function nothing() end
        function fails() error('on purpose') end
        function unsendable() return print end
        function waits() return fief.receive() end
        print(select('#', fief.receive()), 'done')""",
    "alone.lua": "print(pcall(fief.receive)) print(pcall(fief.receive))",
    "knot.lua": "print(pcall(fief.receive))",
    "wrong.lua": """
        local circle = {} circle.circle = circle
        print(pcall(fief.send, 1, print))
        print(pcall(fief.send, 1, circle))
        print(pcall(fief.give, 1, { coroutine.create(print) }))
        print(pcall(fief.give, 1, circle))
        print(pcall(fief.send, 0, 1))
        print(pcall(fief.send, fief.states + 1, 1))
        print(pcall(fief.send))
        print(pcall(fief.call, 1))
        print(pcall(fief.table, {}))
        print(coroutine.wrap(function() return pcall(fief.receive) end)())""",
    "mail.lua": "for i = 1, 100 do fief.send(fief.state + 1, i) fief.give(fief.state + 1, { i }) end print('sent')",
    "unread.lua": "print('not read')",
}

ANSWERS = {
    "caller.lua": b"""3
2\t1\t2\tnil\tlast

false\tcallee.lua:5: on purpose
false\tstate 2 has no function 'missing'
false\tonly nil, booleans, numbers, strings and tables of these can be sent
false\tcallee.lua:7: cannot wait here: not in the script's own coroutine
false\tthe state has ended, or has no memory to answer
false\tbad argument #1 to 'fief.call' (a state cannot call itself)
""",
    "given.lua": b"""3\t10\t30\tnil\tfar\tx\tnil\tfloat\tno\tnil
a\tb\t2\t1
8\tfalse\tgiven.lua:14: attempt to index a fief.gift value (upvalue 'gift')
b
text
7
true
2.5

1\ta\tnil\tc
""",
    "late.lua": b"all copy count index rest\n" * 3 + b"false\tthis gift has been freed\n",
    "holes.lua": b"1\t1\n3\t3\n6\t6\nx\ty\n",
    "ender.lua": b"""false\tleaver.lua:2: os.exit was called
false\tthe state has ended, or has no memory to answer
""",
    "wrong.lua": b"""false\tonly nil, booleans, numbers, strings and tables of these can be sent
false\ta table is within itself, or too many are within one another
false\tonly nil, booleans, numbers, strings and tables of these can be given
false\ta table is within itself, or too many are within one another
false\tbad argument #1 to 'fief.send' (no such state)
false\tbad argument #1 to 'fief.send' (no such state)
false\tbad argument #1 to 'fief.send' (number expected, got no value)
false\tbad argument #2 to 'fief.call' (string expected, got no value)
false\tbad argument #1 to 'fief.table' (fief.gift expected, got table)
false\tcannot wait here: not in the script's own coroutine
""",
    "alone.lua": b"false\tevery state waits for another\n" * 2,
    "knot.lua": b"false\tevery state waits for another\n",
}


class Suite(Scripts):
    def check_clean(self, run, what):
        self.tap.check(run.status == 0, what + ": all ends well", run)
        clean = all(run.figure(label) == 0 for label in ("blocks never freed", "foreign frees", "late frees"))
        self.tap.check(clean, what + ": every block was freed by its owner", run)

    def check_answer(self, script, states, *arguments):
        run = self.run(*arguments, script)
        self.tap.check(run.of(script) == [(script, states, True, ANSWERS[script], None)], script, run)

    def check_values(self):
        for level in "off", "check", "full":
            run = self.run("--debug", level, "--threads", 2, "--slice", 3000, "--quiet", "--states", 4, "sender.lua",
                           "echo.lua")
            self.check_clean(run, "at %s" % level)
            self.tap.check(run.of("sender.lua") == [("sender.lua", 2, True, b"20 there and back\n", None)],
                           "at %s all kinds of values come back as they went" % level, run)
            self.tap.check(run.stderr == "", "at %s there is nothing to report" % level, run)
        self.check_answer("given.lua", 1)
        self.check_answer("holes.lua", 1)
        self.check_answer("late.lua", 1)
        self.check_answer("late.lua", 1, "--debug", "check", "--slice", 1000)
        self.check_answer("wrong.lua", 2, "--states", 2, "--threads", 1)

    def check_calls(self):
        for threads in 1, 2:
            run = self.run("--threads", threads, "--migrate", "--slice", 500, "caller.lua", "callee.lua")
            self.check_clean(run, "calls on %d threads" % threads)
            self.tap.check(run.of("caller.lua") == [("caller.lua", 1, True, ANSWERS["caller.lua"], None)],
                           "calls on %d threads are answered" % threads, run)

    def check_ends(self):
        run = self.run("--threads", 1, "ender.lua", "leaver.lua")
        self.tap.check(run.of("ender.lua") == [("ender.lua", 1, True, ANSWERS["ender.lua"], None)] and
                       run.of("leaver.lua") == [("leaver.lua", 1, False, b"waits\n", "exit status 3")],
                       "os.exit in a function that is called ends a state that waits", run)
        run = self.run("--threads", 1, "ender.lua", "broken.lua")
        self.tap.check(run.of("ender.lua")[0][3] == ANSWERS["ender.lua"].splitlines(True)[1] * 2,
                       "a state that never began answers that it has ended", run)

    def check_waiting(self):
        self.check_answer("alone.lua", 1)
        self.check_answer("knot.lua", 5, "--states", 5, "--threads", 2)
        run = self.run("--threads", 1, "mail.lua", "unread.lua")
        self.check_clean(run, "mail that is not read")
        run = self.run("--threads", 2, "--states", 20, "unread.lua", "mail.lua", "mail.lua", "unread.lua")
        self.tap.check(run.figure("foreign frees") == 0, "mail to those who have ended is dropped by its owner", run)

    def check_pipeline(self):
        folder = os.path.join(self.options.examples, "pipeline")
        for level in "off", "check", "full", "guard":
            run = self.run("--threads", 2, "--migrate", "--slice", 5000, "--debug", level, "--quiet", *PIPELINE, "--", 20,
                           folder=folder)
            self.check_clean(run, "the pipeline at %s" % level)
            self.tap.check(run.of("generator.lua")[0][3] == b"1000 lines made; the counter says: all of them arrived\n" and
                           run.of("counter.lua")[0][3].split()[1::2] == [b"4000", b"2000", b"6000", b"1000"],
                           "at %s it counts what was generated" % level, run)
            self.tap.check(run.stderr == "", "at %s there is nothing to report" % level, run)
        run = self.run("--threads", 2, "--states", 60, "--limit", "8M", "--quiet", *PIPELINE, "--", 10, folder=folder)
        self.check_clean(run, "twenty pipelines")
        self.tap.check(len(run.outputs) == 3, "twenty pipelines say the same", run)
        self.check_memory(run)


CHECKS = [
    Suite.check_values,
    Suite.check_calls,
    Suite.check_ends,
    Suite.check_waiting,
    Suite.check_pipeline,
]

if __name__ == "__main__":
    sys.exit(run_suite(Suite, SCRIPTS, CHECKS))

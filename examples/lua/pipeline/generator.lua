-- The first of three states: makes lines of a program, and sends them on by value, a batch at a time.
--
--   fief-lua --threads 2 generator.lua tokenizer.lua counter.lua [-- BATCHES]
--
-- It ends when the last one has said that it has seen everything; until then the others may call lines_made().
local batches = tonumber(arg[1]) or 200
local next_state = fief.state + 1
local made = 0

function lines_made()
  return made
end

local function line(number)
  made = made + 1
  return ("local name_%d = value_%d * %d + f(%d.5, 'text %d')"):format(number, number % 17, number, number, number % 5)
end

for batch = 1, batches do
  local lines = {}
  for i = 1, 50 do
    lines[i] = line(batch * 50 + i)
  end
  assert(fief.send(next_state, lines))
end
assert(fief.send(next_state, false))

local _, verdict = fief.receive()
print(("%d lines made; the counter says: %s"):format(made, verdict))

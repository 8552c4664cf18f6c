-- Strings: building, joining, cutting, formatting and replacing them.
--
-- Lua's strings are never changed in place: each step makes a new block of a new size, from a few bytes up to some
-- hundred KiB for the buffers, which grow by doubling.
--
--   lua5.4 strings.lua [rounds]      (default 30)

local ROUNDS = tonumber((...)) or 30

-- Adler-32, over what each workload makes.
local function checksum(text, seed)
  local a, b = seed & 0xffff, seed >> 16
  for i = 1, #text, 64 do
    for _, byte in ipairs({ text:byte(i, i + 63) }) do
      a = a + byte
      b = b + a
    end
    a, b = a % 65521, b % 65521
  end
  return b << 16 | a
end

-- One character more each time: every string on the way is garbage at once.
local function append(round)
  local text = ""
  for i = 1, 300 do text = text .. string.char(97 + (i * round) % 26) end
  return text
end

local function join(round)
  local parts = {}
  for i = 1, 2000 do parts[i] = i * round % 97 end
  return table.concat(parts, round % 2 == 0 and ", " or ";")
end

local function format_table(round)
  local lines = {}
  for i = 1, 400 do
    lines[i] = ("%-12s|%8d|%10.3f|%#06x|%q"):format("row " .. i, i * round, i / round, i, "q" .. i % 7)
  end
  return table.concat(lines, "\n")
end

local PROSE = [[
A fief was land, held of a lord for as long as the tenure ran. The tenant had the use of it, and nobody else had;
when the tenure ended, the land went back whole, with everything that stood on it. ]]

local function replace(round)
  local text = PROSE:rep(8)
  text = text:gsub("%w+", { tenant = "interpreter", land = "memory", lord = "process" })
  text = text:gsub("(%a)(%a*)", function(first, rest) return first:upper() .. rest end)
  return (text:gsub("[aeiou]", "%0" .. round))
end

local function cut(round)
  local words = {}
  for word in PROSE:rep(6):gmatch("%a+") do words[#words + 1] = word:sub(1 + round % 3):reverse():lower() end
  return table.concat(words, " ", 1, #words - round)
end

-- A buffer that grows: the adapter's realloc.
local function grow(round)
  local line = ("%d "):format(round):rep(50)
  return line:rep(400, "\n")
end

local function pack(round)
  local records = {}
  for i = 1, 500 do records[i] = string.pack("<I4s2dz", i, ("x"):rep(i % 30), i / 7, "r" .. round) end
  local blob = table.concat(records)
  local id, text = string.unpack("<I4s2", blob)
  assert(id == 1 and text == "x")
  return blob
end

local WORKLOADS = { append = append, join = join, format = format_table, replace = replace, cut = cut, grow = grow,
                    pack = pack }
local ORDER = { "append", "join", "format", "replace", "cut", "grow", "pack" }

print("workload      bytes   checksum")
for _, name in ipairs(ORDER) do
  local bytes, sum = 0, 1
  for round = 1, ROUNDS do
    local text = WORKLOADS[name](round)
    bytes = bytes + #text
    sum = checksum(text, sum)
  end
  print(("%-8s %10d   %08x"):format(name, bytes, sum))
end

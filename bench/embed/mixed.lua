-- Trees, tables and strings, in the part of Lua that 5.1 to 5.4 and LuaJIT have in common; a window of them stays alive.
local seed = 12345
local function random(bound)
  seed = (seed * 16807) % 2147483647
  return seed % bound
end

local function make(depth)
  if depth == 0 then return {} end
  return { make(depth - 1), make(depth - 1) }
end

local function count(node)
  if not node[1] then return 1 end
  return 1 + count(node[1]) + count(node[2])
end

local total, stays = 0, make(13)
for depth = 4, 12, 2 do
  for _ = 1, 2 ^ (14 - depth) do total = total + count(make(depth)) end
end

local kept, bytes = {}, 0
local alphabet = ("abcdefghijklmnopqrstuvwxyz0123456789"):rep(8)
for i = 1, 100000 do
  local from = 1 + random(100)
  local word = alphabet:sub(from, from + 5 + random(60))
  kept[1 + random(10000)] = { key = "key" .. i, word = word, parts = { i, i + 1 }, of = i % 3 == 0 and { word } or nil }
  if i % 8 == 0 then bytes = bytes + #word:gsub("[aeiou]+", "_") end
  if i % 64 == 0 then
    local list = {}
    for k = 1, 1 + random(100) do list[k] = word .. k end
    bytes = bytes + #table.concat(list, ",")
  end
end
return ("%d %d %d"):format(total, count(stays), bytes)

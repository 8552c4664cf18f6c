-- Strings of a runtime's usual lengths, made in every way there is; a window of them stays alive.
local window, size = {}, 20000
local rng = 12345
local function random(n)
  rng = (rng * 1103515245 + 12345) & 0x7fffffff
  return (rng >> 8) % n
end

local alphabet = ("abcdefghijklmnopqrstuvwxyz0123456789"):rep(8)
local bytes = 0
local function keep(s)
  bytes = bytes + #s
  window[1 + random(size)] = s
end

for i = 1, 400000 do
  keep("key" .. i)
  keep(alphabet:sub(1 + i % 36, i % 36 + 8 + random(120)))
  if i % 4 == 0 then keep(("%d:%s"):format(i, window[1 + random(size)] or "")) end
  if i % 16 == 0 then keep((alphabet:sub(1, 60 + random(200)):gsub("[aeiou]", "_"))) end
  if i % 64 == 0 then
    local parts = {}
    for k = 1, 20 do parts[k] = window[1 + random(size)] or "-" end
    keep(table.concat(parts, ","):sub(1, 400))
  end
end
print(bytes)

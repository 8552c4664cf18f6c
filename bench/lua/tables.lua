-- Tables: objects with fields, arrays and maps that grow, matrices of fresh rows; a window of them stays alive.
local window, size = {}, 20000
local rng = 12345
local function random(n)
  rng = (rng * 1103515245 + 12345) & 0x7fffffff
  return (rng >> 8) % n
end

local function grow_array(n)
  local t = {}
  for i = 1, n do t[i] = i end
  return t
end

local function grow_map(n)
  local t = {}
  for i = 1, n do t[i * 1.5] = i end
  return t
end

local function multiply(a, b)
  local n, c = #a, {}
  for i = 1, n do
    local row, ai = {}, a[i]
    for j = 1, n do
      local sum = 0
      for k = 1, n do sum = sum + ai[k] * b[k][j] end
      row[j] = sum
    end
    c[i] = row
  end
  return c
end

local made = 0
for i = 1, 300000 do
  window[1 + random(size)] = { x = i, y = i + 1, next = window[1 + random(size)] and i }
  if i % 2 == 0 then window[1 + random(size)] = grow_array(1 + random(30)) end
  if i % 8 == 0 then window[1 + random(size)] = grow_map(1 + random(40)) end
  if i % 64 == 0 then window[1 + random(size)] = grow_array(100 + random(400)) end
  made = made + 1
end
local m = {}
for i = 1, 24 do m[i] = grow_array(24) end
local p = m
for _ = 1, 40 do
  p = multiply(m, p)
  for _, row in ipairs(p) do for j = 1, #row do row[j] = row[j] % 1000 end end
end
print(made, p[1][1], p[24][24])

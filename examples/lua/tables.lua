-- Tables: arrays and hashes that grow, shrink, are sorted, and hold other tables.
--
-- Rehashing is what an allocator sees of it: blocks that double, the old one freed once its content has moved.
--
--   lua5.4 tables.lua [size]      (default 80)

local SIZE = tonumber((...)) or 80

-- Numbers that look random, the same on every machine (a linear congruential generator modulo 2^32).
local seed = 20260
local function random(bound)
  seed = (seed * 1664525 + 1013904223) & 0xffffffff
  return (seed >> 8) % bound + 1
end

-- ---- matrices ------------------------------------------------------------------------------------

local function matrix(rows, columns, cell)
  local m = {}
  for i = 1, rows do
    local row = {}
    for j = 1, columns do row[j] = cell(i, j) end
    m[i] = row
  end
  return m
end

local function transpose(m)
  return matrix(#m[1], #m, function(i, j) return m[j][i] end)
end

local function multiply(a, b)
  local columns = transpose(b)
  return matrix(#a, #columns, function(i, j)
    local row, column, sum = a[i], columns[j], 0
    for k = 1, #row do sum = sum + row[k] * column[k] end
    return sum
  end)
end

local function trace(m)
  local sum = 0
  for i = 1, #m do sum = sum + m[i][i] end
  return sum
end

local function matrices()
  local a = matrix(SIZE, SIZE, function(i, j) return (i * j) % 7 - 3 end)
  local b = matrix(SIZE, SIZE, function(i, j) return (i + j) % 5 - 2 end)
  local ab, ba = multiply(a, b), multiply(b, a)
  assert(trace(ab) == trace(ba)) -- as for any two square matrices
  return ("trace %d, corner %d"):format(trace(ab), ab[SIZE][SIZE])
end

-- ---- the rest ------------------------------------------------------------------------------------

-- Records that live in a window: each new one pushes the oldest out.
local function churn()
  local window, total = {}, 0
  for i = 1, SIZE * 500 do
    local at = i % 1000
    local old = window[at]
    if old then total = total + old.values[2] end
    window[at] = { id = i, values = { i, i % 13 }, previous = i % 50 ~= 0 and old and old.id or nil }
  end
  return ("%d left the window"):format(total)
end

local function sorting()
  local list = {}
  for i = 1, SIZE * 100 do list[i] = { key = random(1000), order = i } end
  table.sort(list, function(x, y) return x.key < y.key or x.key == y.key and x.order < y.order end)
  for i = 2, #list do
    local x, y = list[i - 1], list[i]
    assert(x.key < y.key or x.key == y.key and x.order < y.order)
  end
  return ("keys %d to %d, median %d"):format(list[1].key, list[#list].key, list[#list // 2].key)
end

-- Keys of every kind come and go; what is there must be what was counted.
local function hashing()
  local set, present = {}, 0
  for _ = 1, SIZE * 500 do
    local n = random(SIZE * 50)
    local key = n % 3 == 0 and "key " .. n or n % 3 == 1 and n + 0.5 or -n
    present = present + (set[key] and -1 or 1)
    set[key] = not set[key] or nil
  end
  local counted = 0
  for _ in pairs(set) do counted = counted + 1 end
  assert(counted == present)
  return ("%d keys left"):format(counted)
end

local function queue()
  local list = {}
  for i = 1, SIZE * 25 do table.insert(list, 1 + i * 7919 % (#list + 1), i) end
  local sum = 0
  for i = 1, #list - 10 do sum = (sum * 31 + table.remove(list, 1 + i * 104729 % #list)) % 1000003 end
  return ("checksum %d, then %s"):format(sum, table.concat(list, " "))
end

print("matrices", matrices())
print("churn   ", churn())
print("sorting ", sorting())
print("hashing ", hashing())
print("queue   ", queue())

-- Binary trees: nodes made bottom up and walked, short-lived trees beside one that stays.
local function make(depth)
  if depth == 0 then return {} end
  return { make(depth - 1), make(depth - 1) }
end

local function count(node)
  if not node[1] then return 1 end
  return 1 + count(node[1]) + count(node[2])
end

local deepest, total = 14, 0
local stays = make(deepest)
for depth = 4, deepest, 2 do
  local trees = 1 << (deepest - depth + 4)
  for _ = 1, trees do total = total + count(make(depth)) end
end
print(total, count(stays))

-- Binary trees: many small tables of one size that live for very different times.
--
-- One tree lives from start to end. Beside it, trees of several depths are built, checked and dropped, about as
-- many nodes of each depth: young garbage, and now and then a survivor that pins a page.
--   lua5.4 binary_trees.lua [depth]      (default 10)

local DEEPEST = tonumber((...)) or 10
local SHALLOWEST = 4

-- Nodes are numbered like a binary heap's: the children of n are 2n and 2n + 1.
local function grow(depth, number)
  local node = { number = number }
  if depth > 0 then
    node.left = grow(depth - 1, 2 * number)
    node.right = grow(depth - 1, 2 * number + 1)
  end
  return node
end

local function count(node)
  if not node.left then return 1 end
  return 1 + count(node.left) + count(node.right)
end

-- The sum of all numbers of a tree with `depth` levels below its root is that of 1 to 2^(depth + 1) - 1.
local function sum(node)
  if not node.left then return node.number end
  return node.number + sum(node.left) + sum(node.right)
end

local function expected_sum(depth)
  local last = 2 ^ (depth + 1) - 1
  return math.tointeger(last * (last + 1) // 2)
end

-- Turns a tree into its mirror image, by new nodes: the old ones become garbage one by one.
local function mirror(node)
  if not node.left then return { number = node.number } end
  return { number = node.number, left = mirror(node.right), right = mirror(node.left) }
end

local function leftmost(node)
  while node.left do node = node.left end
  return node.number
end

local long_lived = grow(DEEPEST, 1)

print("depth   trees     nodes            sum")
local nodes_of_all = 0
for depth = SHALLOWEST, DEEPEST, 2 do
  local trees = 1 << (DEEPEST - depth + SHALLOWEST + 1)
  local nodes, total = 0, 0
  for _ = 1, trees do
    local tree = grow(depth, 1)
    nodes = nodes + count(tree)
    total = total + sum(tree)
    assert(sum(tree) == expected_sum(depth))
  end
  nodes_of_all = nodes_of_all + nodes
  print(("%5d %7d %9d %14d"):format(depth, trees, nodes, total))
end

local mirrored = mirror(long_lived)
assert(leftmost(mirrored) == 2 ^ (DEEPEST + 1) - 1)
assert(count(mirrored) == count(long_lived))
assert(sum(mirrored) == sum(long_lived) and sum(long_lived) == expected_sum(DEEPEST))
print(("the long-lived tree still has %d nodes; %d others came and went"):format(count(long_lived), nodes_of_all))

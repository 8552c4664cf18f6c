-- The last of three states: counts what it is given, where it lies, and asks the first whether all lines have come.
local first_state = fief.state - 2
local counts, lines = {}, 0

while true do
  local _, batch = fief.receive()
  if not batch then break end
  lines = lines + batch.lines
  for _, token in ipairs(batch.tokens) do
    counts[token.kind] = (counts[token.kind] or 0) + 1
  end
end

local made = fief.call(first_state, "lines_made")
local kinds = {}
for kind in pairs(counts) do kinds[#kinds + 1] = kind end
table.sort(kinds)
for _, kind in ipairs(kinds) do
  print(("%-8s %d"):format(kind, counts[kind]))
end
fief.send(first_state, lines == made and "all of them arrived" or ("%d of %d arrived"):format(lines, made))

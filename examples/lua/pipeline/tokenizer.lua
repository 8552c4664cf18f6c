-- The second of three states: takes lines apart, and gives the tokens away: the next state gets the very memory.
local next_state = fief.state + 1

local patterns = {
  { "space", "^%s+" }, { "name", "^[%a_][%w_]*" }, { "number", "^%d+%.?%d*" }, { "string", "^'[^']*'" }, { "sign", "^%p" },
}

local function tokens_of(line)
  local tokens, at = {}, 1
  while at <= #line do
    for _, pattern in ipairs(patterns) do
      local first, last = line:find(pattern[2], at)
      if first then
        if pattern[1] ~= "space" then
          tokens[#tokens + 1] = { kind = pattern[1], text = line:sub(first, last) }
        end
        at = last + 1
        break
      end
    end
  end
  return tokens
end

local lines_seen = 0
while true do
  local _, lines = fief.receive()
  if not lines then break end
  local batch = { lines = #lines, tokens = {} }
  for _, line in ipairs(lines) do
    lines_seen = lines_seen + 1
    for _, token in ipairs(tokens_of(line)) do
      batch.tokens[#batch.tokens + 1] = token
    end
  end
  assert(fief.give(next_state, batch))
end
assert(fief.send(next_state, false))
print(("%d lines taken apart"):format(lines_seen))

-- A tokenizer for Lua, over real text: its own source and that of the other examples.
--
-- Short strings of every kind, most of them seen before: what a compiler's front end asks of an allocator.
--
--   lua5.4 tokenizer.lua [rounds [file...]]      (default 15, the Lua files beside this one)

local ROUNDS = tonumber((...)) or 15
local FILES = { select(2, ...) }

if #FILES == 0 then
  local folder = (arg and arg[0] or debug.getinfo(1, "S").source:sub(2)):match("^(.*/)") or ""
  for _, name in ipairs({ "binary_trees", "json", "strings", "tables", "tokenizer" }) do
    FILES[#FILES + 1] = folder .. name .. ".lua"
  end
end

local KEYWORDS = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then true
               until while]]):gmatch("%a+") do
  KEYWORDS[word] = true
end

local function long_bracket_end(text, at)
  local level = text:match("^%[(=*)%[", at)
  if not level then return nil end
  local _, last = text:find("]" .. level .. "]", at, true)
  return last or error("a long bracket without an end")
end

local function short_string_end(text, at)
  local quote = text:sub(at, at)
  local stop = "[\\\n" .. quote .. "]"
  local last = text:find(stop, at + 1)
  while last and text:sub(last, last) == "\\" do last = text:find(stop, last + 2) end
  if not last or text:sub(last, last) ~= quote then error("a string without an end") end
  return last
end

local function name_kind(token) return KEYWORDS[token] and "keyword" or "name" end

-- Where the token at `at` ends, and its kind: each rule is tried in turn.
local RULES = {
  function(text, at) return select(2, text:find("^%s+", at)), "space" end,
  function(text, at)
    local _, last = text:find("^[%a_][%w_]*", at)
    return last, last and name_kind(text:sub(at, last))
  end,
  function(text, at)
    if not text:find("^%-%-", at) then return nil end
    return long_bracket_end(text, at + 2) or select(2, text:find("^[^\n]*", at)), "comment"
  end,
  function(text, at)
    if text:find("^[\"']", at) then return short_string_end(text, at), "string" end
    return long_bracket_end(text, at), "string"
  end,
  function(text, at) return select(2, text:find("^0[xX][%x.]+[pP]?[+-]?%x*", at)), "number" end,
  function(text, at) return select(2, text:find("^%.?%d[%d.]*[eE]?%d*", at)), "number" end,
  function(text, at) return select(2, text:find("^%.%.%.?", at)), "operator" end,
  function(text, at) return select(2, text:find("^[=~<>/:][=<>/:]", at)), "operator" end,
  function(text, at) return select(2, text:find("^%p", at)), "operator" end,
}

local function next_token(text, at)
  for _, rule in ipairs(RULES) do
    local last, kind = rule(text, at)
    if last then return text:sub(at, last), kind end
  end
  error(("byte %d cannot begin a token"):format(at))
end

local function tokenize(text)
  local tokens, at = {}, 1
  while at <= #text do
    local token, kind = next_token(text, at)
    tokens[#tokens + 1] = { text = token, kind = kind }
    at = at + #token
  end
  return tokens
end

-- Put together again, the tokens are the text.
local function assemble(tokens)
  local parts = {}
  for i, token in ipairs(tokens) do parts[i] = token.text end
  return table.concat(parts)
end

local KINDS = { "keyword", "name", "string", "number", "operator", "comment", "space" }

local function count_kinds(tokens, counts)
  for _, token in ipairs(tokens) do counts[token.kind] = (counts[token.kind] or 0) + 1 end
end

for _, path in ipairs(FILES) do
  local file = assert(io.open(path))
  local text = file:read("a")
  file:close()
  local counts = {}
  for _ = 1, ROUNDS do
    local tokens = tokenize(text)
    assert(assemble(tokens) == text)
    count_kinds(tokens, counts)
  end
  io.write(("%-18s"):format(path:match("[^/]*$")))
  for _, kind in ipairs(KINDS) do io.write((" %6d %s"):format((counts[kind] or 0) // ROUNDS, kind)) end
  io.write("\n")
end

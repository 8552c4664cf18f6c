-- JSON: a small encoder and decoder, and a document that goes through both again and again.
--
-- Strings of every length, tables that are filled key by key, buffers that grow: what a web service does all day.
--
--   lua5.4 json.lua [rounds]      (default 25)

local ROUNDS = tonumber((...)) or 25
local null = {}
local encode_value, decode_value

-- ---- encode -------------------------------------------------------------------------------------

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
local function escape(char) return ESCAPES[char] or ("\\u%04x"):format(char:byte()) end
local function encode_string(text) return '"' .. text:gsub('[%c"\\]', escape) .. '"' end

local function encode_array(array)
  local items = {}
  for i, item in ipairs(array) do items[i] = encode_value(item) end
  return "[" .. table.concat(items, ",") .. "]"
end

-- Keys in order, so that equal objects give equal text.
local function encode_object(object)
  local keys = {}
  for key in pairs(object) do table.insert(keys, key) end
  table.sort(keys)
  for i, key in ipairs(keys) do keys[i] = encode_string(key) .. ":" .. encode_value(object[key]) end
  return "{" .. table.concat(keys, ",") .. "}"
end

function encode_value(value)
  if value == null then return "null" end
  if type(value) == "string" then return encode_string(value) end
  if type(value) == "table" then return (#value > 0 and encode_array or encode_object)(value) end
  return math.type(value) == "float" and ("%.17g"):format(value) or tostring(value)
end

-- ---- decode -------------------------------------------------------------------------------------

local UNESCAPES = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }
local LITERALS = { ["true"] = true, ["false"] = false, null = null }
local function fail(text, at, expected)
  error(("%s expected at byte %d, near '%s'"):format(expected, at, text:sub(at, at + 10)), 0)
end

-- An escape and up to four characters behind it: those are its digits, or none of its business.
local function unescape(kind, digits)
  if kind == "u" then return utf8.char(tonumber(digits, 16)) end
  return UNESCAPES[kind] .. digits
end

local function decode_string(text, at)
  local last = text:find('["\\]', at + 1)
  while last and text:sub(last, last) == "\\" do last = text:find('["\\]', last + 2) end
  if not last then fail(text, at, "a string with an end") end
  return text:sub(at + 1, last - 1):gsub("\\(.)([^\\]?[^\\]?[^\\]?[^\\]?)", unescape), last + 1
end

-- What stands between brackets. `decode_item` stores one item and returns the position behind it.
local function decode_items(text, at, closing, decode_item)
  at = text:find("%S", at + 1)
  if text:sub(at, at) == closing then return at + 1 end
  repeat
    at = text:find("%S", decode_item(text:find("%S", at)))
    local char = text:sub(at, at)
    if char ~= "," and char ~= closing then fail(text, at, "a comma or " .. closing) end
    at = at + 1
  until char == closing
  return at
end

local function decode_array(text, at)
  local array, item = {}, nil
  return array, decode_items(text, at, "]", function(from)
    item, from = decode_value(text, from)
    array[#array + 1] = item
    return from
  end)
end

local function decode_object(text, at)
  local object, key = {}, nil
  return object, decode_items(text, at, "}", function(from)
    key, from = decode_string(text, from)
    from = text:match("^%s*:%s*()", from) or fail(text, from, "a colon")
    object[key], from = decode_value(text, from)
    return from
  end)
end

local DECODERS = { ["{"] = decode_object, ["["] = decode_array, ['"'] = decode_string }
function decode_value(text, at)
  local decode = DECODERS[text:sub(at, at)]
  if decode then return decode(text, at) end
  local word, behind = text:match("^([%w+.-]+)()", at)
  local value = LITERALS[word]
  if value == nil then value = tonumber(word) or fail(text, at, "a value") end
  return value, behind
end

-- ---- work ---------------------------------------------------------------------------------------

local function person(i)
  return {
    id = i, name = ('Person "%d"'):format(i), boss = i > 1 and i // 2 or null,
    balance = i * 1.1, active = i % 3 == 0, nested = { { {}, { depth = i } } },
    tags = { "a\tb", "Grüße №" .. i, "back\\slash", ("long "):rep(i % 40) },
  }
end

local example = '{ "b" : [ 1, -2.5e1, "\\u00e9\\/\\\\n" ], "a" : null }'
assert(encode_value((decode_value(example, 1))) == '{"a":null,"b":[1,-25,"é/\\\\n"]}')
local people = {}
for i = 1, 120 do people[i] = person(i) end
local text = encode_value({ people = people, title = "line\none\1" })
for _ = 1, ROUNDS do
  assert(encode_value((decode_value(text, 1))) == text, "the document has changed on its way")
end
print(("%d times %d bytes, and still the document begins with %s"):format(ROUNDS, #text, text:sub(1, 60)))

-- A real program: luacheck, a linter for Lua (Debian's lua-check), over penlight's sources (lua-penlight).
--
-- Some forty files of other people's Lua are parsed, resolved and checked. luacheck is installed for Lua 5.1
-- alone, but runs in 5.4 as well. Needs the packages lua-check, lua-filesystem and lua-penlight.
--
--   lua5.4 luacheck.lua [files]      (default: all)

local LUACHECK_FOLDER = "/usr/share/lua/5.1/"
local PENLIGHT_FOLDER = "/usr/share/lua/5.4/pl/"
local MOST_FILES = tonumber((...)) or math.huge

local function need(module, package_name)
  local found, result = pcall(require, module)
  if found then return result end
  error(("%s is missing: install the package %s\n%s"):format(module, package_name, result), 0)
end

-- First of all places: `require` must not find this file, which has the same name, in the current folder.
package.path = ("%s?.lua;%s?/init.lua;%s"):format(LUACHECK_FOLDER, LUACHECK_FOLDER, package.path)
local lfs = need("lfs", "lua-filesystem")
local luacheck = need("luacheck", "lua-check")

local function lua_files(folder)
  if lfs.attributes(folder, "mode") ~= "directory" then
    error(("%s is missing: install the package lua-penlight"):format(folder), 0)
  end
  local files = {}
  for name in lfs.dir(folder) do
    if name:find("%.lua$") then files[#files + 1] = folder .. name end
  end
  table.sort(files)
  return table.move(files, 1, math.min(#files, MOST_FILES), 1, {})
end

-- The kinds of warnings in order of their codes, each with its count and its first message.
local function kinds_of(report)
  local kinds = {}
  for _, file in ipairs(report) do
    for _, event in ipairs(file) do
      local kind = kinds[event.code]
      if not kind then
        kind = { code = event.code, count = 0, message = luacheck.get_message(event) }
        kinds[event.code], kinds[#kinds + 1] = kind, kind
      end
      kind.count = kind.count + 1
    end
  end
  table.sort(kinds, function(a, b) return a.code < b.code end)
  return kinds
end

local files = lua_files(PENLIGHT_FOLDER)
local report = luacheck(files, { std = "max" })
for _, kind in ipairs(kinds_of(report)) do
  print(("%4d of W%s, first: %s"):format(kind.count, kind.code, kind.message))
end
print(("%d files: %d warnings, %d errors, %d unreadable")
  :format(#files, report.warnings, report.errors, report.fatals))

/* A script for any Lua, and what it gives. */
#ifndef FI_TESTS_ADAPTER_BUSY_H
#define FI_TESTS_ADAPTER_BUSY_H

/* Tables and strings of many sizes, and a text that says what became of them. */
static const char busy_script[] = "local list, words = {}, {}\n"
                                  "for i = 1, 5000 do\n"
                                  "  list[i] = { i, name = 'n' .. i % 100, inner = { i } }\n"
                                  "  words[#words + 1] = ('w'):rep(i % 50)\n"
                                  "  if i % 3 == 0 then list[i - 1] = nil end\n"
                                  "end\n"
                                  "local sum = 0\n"
                                  "for _, item in pairs(list) do sum = sum + item[1] end\n"
                                  "return #table.concat(words, ' ') .. ' ' .. sum";
static const char busy_result[] = "127499 8338333";

#endif

/* The checks' scripts for every JavaScript of 2011 on: Duktape, MuJS, QuickJS. */
#ifndef FI_TESTS_ADAPTER_SCRIPTS_H
#define FI_TESTS_ADAPTER_SCRIPTS_H

/* Objects, closures, strings, a sort, a regular expression, errors that are caught, and JSON there and back. */
static const char js_busy_script[] =
    "(function () {\n"
    "  var list = [], words = [], sum = 0, caught = 0, i;\n"
    "  function counter(start) { return function (by) { return start += by; }; }\n"
    "  for (i = 0; i < 2000; i++) {\n"
    "    list.push({ number: (i * 7919) % 2003, name: 'n' + i % 100, inner: [i], count: counter(i) });\n"
    "    words.push(new Array(i % 40 + 1).join('w') + i);\n"
    "    try { if (i % 50 === 0) throw new Error('e' + i); } catch (e) { caught += e.message.length; }\n"
    "  }\n"
    "  list.sort(function (a, b) { return a.number - b.number; });\n"
    "  for (i = 0; i < list.length; i++) sum += list[i].count(i % 3) * (i % 5);\n"
    "  var text = JSON.stringify({ list: list, words: words.join(' ').replace(/w+(\\d)/g, '<$1>') });\n"
    "  return text.length + ' ' + JSON.parse(text).list.length + ' ' + sum + ' ' + caught;\n"
    "})()";
static const char js_busy_result[] = "98394 2000 3997993 177";

/* A global variable counts; a window of objects and strings stays alive. */
static const char js_step_script[] =
    "var steps = typeof steps === 'undefined' ? 0 : steps, kept = typeof kept === 'undefined' ? [] : kept;\n"
    "for (var i = 0; i < 50; i++) kept[(steps * 7 + i) % 60] = { step: steps, text: 's' + steps + i, list: [i, i] };\n"
    "String(++steps)";

static const char js_hoarding_script[] = "(function () {\n"
                                         "  var hoard = [];\n"
                                         "  for (var i = 0; i < 1e7; i++) hoard.push([i, 'text ' + i]);\n"
                                         "  return hoard.length;\n"
                                         "})()";

#endif

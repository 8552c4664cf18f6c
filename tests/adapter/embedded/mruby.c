/* mruby 3, for the checks of all runtimes. */
#include "embedded.h"

#include <fief/adapter/mruby.h>

#include <mruby.h>
#include <mruby/class.h>
#include <mruby/compile.h>
#include <mruby/string.h>

static const mrb_allocf allocators[] = {
    [EMBEDDED_CALLED] = fief_mruby_alloc,
    [EMBEDDED_INLINED] = fief_mruby_alloc_inline,
};

static void *create(fief *heap, embedded_variant variant) {
    return heap != NULL ? mrb_open_allocf(allocators[variant], heap) : mrb_open();
}

static void destroy(void *instance) {
    mrb_close(instance);
}

static bool run(void *instance, const char *script, char *text) {
    mrb_state *mrb = instance;
    int arena = mrb_gc_arena_save(mrb);
    mrb_value result = mrb_load_string(mrb, script);
    bool good = mrb->exc == NULL;
    if (good)
        embedded_tell(text, mrb_string_p(result) ? RSTRING_PTR(result) : NULL);
    else
        embedded_tell(text, mrb_obj_classname(mrb, mrb_obj_value(mrb->exc)));
    mrb->exc = NULL;
    mrb_gc_arena_restore(mrb, arena);
    return good;
}

static void *resize(fief *heap, embedded_variant variant, void *block, size_t size) {
    return allocators[variant](NULL, block, size, heap);
}

/* Objects, closures, strings, symbols, a sort, and errors that are caught. */
static const char busy_script[] = "list, words, caught = [], [], 0\n"
                                  "2000.times do |i|\n"
                                  "  count = i\n"
                                  "  list << { number: (i * 7919) % 2003, name: \"n#{i % 100}\", inner: [i],\n"
                                  "            count: ->(by) { count += by } }\n"
                                  "  words << ('w' * (i % 40)) + i.to_s\n"
                                  "  begin\n"
                                  "    raise \"e#{i}\" if i % 50 == 0\n"
                                  "  rescue => e\n"
                                  "    caught += e.message.size\n"
                                  "  end\n"
                                  "end\n"
                                  "sum = 0\n"
                                  "list.sort { |a, b| a[:number] <=> b[:number] }.each_with_index do |item, i|\n"
                                  "  sum += item[:count].call(i % 3) * (i % 5)\n"
                                  "end\n"
                                  "\"#{words.join(' ').size} #{list.inspect.size > 100_000} #{sum} #{caught}\"";

static const char step_script[] =
    "$steps ||= 0\n"
    "$kept ||= []\n"
    "50.times { |i| $kept[($steps * 7 + i) % 60] = [$steps, \"s#{$steps}#{i}\", [i]] }\n"
    "($steps += 1).to_s";

/* In a method: variables of the top level stay where they are until the next script has been compiled, which mruby
 * does not survive without memory. */
static const char hoarding_script[] = "def fill\n"
                                      "  hoard = []\n"
                                      "  10_000_000.times { |i| hoard << [i, \"text #{i}\"] }\n"
                                      "end\n"
                                      "fill";

const embedded mruby_embedded = {
    .name = "mruby",
    .variants = EMBEDDED_CALLED_AND_INLINED,
    .limit_bytes = (size_t)16 << 20,
    .busy_script = busy_script,
    .busy_result = "47889 true 3997993 177",
    .step_script = step_script,
    .hoarding_script = hoarding_script,
    .hoarding_result = "NoMemoryError",
    .create = create,
    .destroy = destroy,
    .run = run,
    .resize = resize,
};

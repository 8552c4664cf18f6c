/* debug/settings: the environment over the configuration. */
#include "debug/settings.h"

#include "support/child.h"
#include "support/compare.h"
#include "support/json.h"

#include <stdio.h>
#include <stdlib.h>

static const fief_config *apply(fief_config config, fief_config *room) {
    static fief_config given;
    given = config;
    return fi_settings_apply(&given, room);
}

static const fief_config defaults = FIEF_CONFIG_INIT;

Test(settings, without_an_environment_the_configuration_stands) {
    unsetenv("FIEF_CONF");
    fief_config room, config = defaults;
    cr_assert_eq(fi_settings_apply(&config, &room), &config);
    assert_equal(fi_settings()->given, 0);
    cr_assert_not(fi_settings_publishes());
}

Test(settings, a_level_is_raised_and_never_lowered) {
    setenv("FIEF_CONF", "debug:full", 1);
    fief_config room, config = defaults;
    for (int level = FIEF_DEBUG_OFF; level <= FIEF_DEBUG_GUARD; level++) {
        config.debug = (fief_debug)level;
        assert_equal(apply(config, &room)->debug, level > FIEF_DEBUG_FULL ? level : FIEF_DEBUG_FULL);
    }
}

Test(settings, all_else_is_overruled) {
    setenv("FIEF_CONF", "quarantine:3M,sample:77,on_foreign:abort,on_misuse:ignore,on_leak:keep,on_leak:strict",
           1);
    fief_config room, config = defaults;
    config.on_misuse = FIEF_MISUSE_REPORT;
    config.quarantine_bytes = 5;
    const fief_config *made = apply(config, &room);
    assert_equal(made->quarantine_bytes, 3 << 20);
    assert_equal(made->sample, 77);
    assert_equal(made->on_foreign, FIEF_FOREIGN_ABORT);
    assert_equal(made->on_misuse, FIEF_MISUSE_IGNORE);
    assert_equal(made->on_leak, FIEF_LEAK_STRICT);
    assert_equal(made->alignment, 16);
}

Test(settings, each_kind_has_its_policy) {
    setenv("FIEF_CONF", "on_double_free:report,on_foreign_free:route", 1);
    fief_config room, config = defaults;
    config.policies[FIEF_MISUSE_LATE_FREE] = FIEF_POLICY_ABORT;
    const fief_config *made = apply(config, &room);
    assert_equal(made->policies[FIEF_MISUSE_DOUBLE_FREE], FIEF_POLICY_REPORT);
    assert_equal(made->policies[FIEF_MISUSE_FOREIGN_FREE], FIEF_POLICY_ROUTE);
    assert_equal(made->policies[FIEF_MISUSE_LATE_FREE], FIEF_POLICY_ABORT);
    assert_equal(made->policies[FIEF_MISUSE_WILD], FIEF_POLICY_DEFAULT);
}

Test(settings, it_is_read_once) {
    setenv("FIEF_CONF", "sample:5", 1);
    assert_equal(fi_settings()->sample, 5);
    setenv("FIEF_CONF", "sample:6", 1);
    assert_equal(fi_settings()->sample, 5);
}

static int read_settings(void *arg) {
    setenv("FIEF_CONF", arg, 1);
    return fi_settings()->sample == 5 ? 0 : 1;
}

Test(settings, what_is_not_understood_is_told_and_the_rest_applies) {
    child_end end = run_in_child(read_settings, "nonsense:1,sample:5");
    assert_returned(end);
    assert_says(end, "fief: FIEF_CONF: unknown key \"nonsense\"\n");
    end = run_in_child(read_settings, "suppressions:/there/is/none,sample:5");
    assert_returned(end);
    assert_says(end, "the file of suppressions can't be read\n");
}

static int publish_twice(void *arg) {
    setenv("FIEF_CONF", arg, 1);
    fi_settings_publish("{}\n", 3);
    fi_settings_publish("{}\n", 3);
    return fi_settings_publishes() ? 0 : 1;
}

Test(settings, json_goes_to_stderr_or_is_appended_to_a_file) {
    child_end end = run_in_child(publish_twice, "json:stderr");
    assert_returned(end);
    cr_assert_str_eq(end.said, "{}\n{}\n");
    char path[] = "/tmp/fief-settings-XXXXXX", conf[64], text[16] = "";
    int file = mkstemp(path);
    snprintf(conf, sizeof conf, "json:%s", path);
    assert_returned(run_in_child(publish_twice, conf));
    assert_equal(read(file, text, sizeof text - 1), 6);
    cr_assert_str_eq(text, "{}\n{}\n");
    close(file);
    unlink(path);
}

static int tell_once(void *arg) {
    setenv("FIEF_CONF", arg, 1);
    fi_settings_tell("text\n", 5);
    return 0;
}

Test(settings, texts_go_to_stderr_or_are_appended_to_a_file) {
    char *const on_stderr[] = {"", "text:stderr", "text:/there/is/no/such/folder/file"};
    for (size_t i = 0; i < sizeof on_stderr / sizeof *on_stderr; i++) {
        child_end end = run_in_child(tell_once, on_stderr[i]);
        assert_returned(end);
        cr_assert_str_eq(end.said, "text\n");
    }
    char path[] = "/tmp/fief-settings-XXXXXX", conf[64], text[16] = "";
    int file = mkstemp(path);
    snprintf(conf, sizeof conf, "text:%s", path);
    child_end end = run_in_child(tell_once, conf);
    assert_returned(end);
    assert_equal(end.said_bytes, 0);
    assert_equal(read(file, text, sizeof text - 1), 5);
    cr_assert_str_eq(text, "text\n");
    close(file);
    unlink(path);
}

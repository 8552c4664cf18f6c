/* Stands in for a library that is put under programs: says what it is and what it was asked, in the file
 * STAND_IN_LOG. A line for each process, its fields parted by tabs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *value_of(const char *variable) {
    const char *value = getenv(variable);
    return value != NULL ? value : "(none)";
}

__attribute__((constructor)) static void say(void) {
    const char *log = getenv("STAND_IN_LOG");
    char line[16384];
    int file = log != NULL ? open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666) : -1;
    if (file < 0)
        return;
    int length = snprintf(line, sizeof line, "%s\t%s\t%s\t%s\t%s\n", STAND_IN_NAME, program_invocation_short_name,
                          value_of("LD_PRELOAD"), value_of("FIEF_CONF"), value_of("FIEF_RUN"));
    if (length >= (int)sizeof line || write(file, line, (size_t)length) != length)
        abort();
    close(file);
}

#include "base/write.h"

#include <errno.h>
#include <unistd.h>

void fi_write_all(int to, const char *text, size_t bytes) {
    while (bytes > 0) {
        ssize_t written = write(to, text, bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            break;
        text += written;
        bytes -= (size_t)written;
    }
}

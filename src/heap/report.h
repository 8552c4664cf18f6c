/* One misuse as text and as JSON: the same facts, from memory that was there before. */
#ifndef FI_HEAP_REPORT_H
#define FI_HEAP_REPORT_H

#include "base/text.h"
#include "heap/misuse.h"

/* Everything that is told of one misuse. */
typedef struct fi_account {
    const fi_incident *incident;
    const fi_details *details;
    const fi_identity *owner, *caller;
    const char *verdict;
    fi_trace trace; /* this call's */
    uint64_t thread;
} fi_account;

void fi_report_text(fi_text *text, const fi_account *account);
void fi_report_json(fi_text *text, const fi_account *account);

/* "foreign free"; "" for what is none. */
const char *fi_misuse_kind_name(fief_misuse kind);

#endif

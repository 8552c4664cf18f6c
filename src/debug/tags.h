/* Names of type tags and of domains: process-wide, never given back. */
#ifndef FI_DEBUG_TAGS_H
#define FI_DEBUG_TAGS_H

#include "fief/debug.h"

/* "" for 0 and for what was never registered. Any thread, no lock; the string lives as long as the process. */
const char *fi_tag_name(fief_tag tag);
const char *fi_domain_name(fief_domain domain);

#endif

/* What the environment asks for, read once. */
#ifndef FI_DEBUG_SETTINGS_H
#define FI_DEBUG_SETTINGS_H

#include "debug/conf.h"

/* All 0 where FIEF_CONF is not set. Any thread. */
const fi_conf *fi_settings(void);

/* The configuration with what the environment adds to it, in *room if it adds anything. */
const fief_config *fi_settings_apply(const fief_config *config, fief_config *room);

/* Whether anybody wants JSON. */
bool fi_settings_publishes(void);

/* A line of JSON, to where the environment wants it. */
void fi_settings_publish(const char *json, size_t bytes);

/* A text, to where the environment wants it: stderr, if it does not say. */
void fi_settings_tell(const char *text, size_t bytes);

#endif

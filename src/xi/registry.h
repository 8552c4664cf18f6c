/* Which types can be shared, and by which function: of one interpreter, and of the process. */
#ifndef FI_XI_REGISTRY_H
#define FI_XI_REGISTRY_H

/* Types of one interpreter, under its lock; made when the first is registered. */
typedef struct fi_types fi_types;

/* NULL is nothing. */
void fi_types_free(fi_types *types);

#endif

/* beside.h - where belfry-runner is. */
#ifndef BELFRY_BESIDE_H
#define BELFRY_BESIDE_H

#include "err.h"
#include "mem.h"

/* The belfry-runner beside this program, else the one in PATH. NULL: there is none,
 * and the message says where it was looked for. */
const char *beside_find_runner(struct arena *arena, struct err *err);

#endif

/*
 * owner.h - a file that is locked by whoever owns what it stands for, and names them.
 *
 * The lock goes with the process, so a crash leaves nothing behind but the name of the
 * dead, which nobody minds.
 */
#ifndef BELFRY_OWNER_H
#define BELFRY_OWNER_H

#include "err.h"

/* Takes the lock and writes down who has it. False: somebody else has, and err names
 * them ("process 17, since …, on HOST: COMMAND"); or the file could not be had. */
bool owner_take(const char *path, int *fd, bool *is_taken, struct err *err);

#endif

/* usual_state.h - where the state directory is when nobody says so. */
#ifndef BELFRY_USUAL_STATE_H
#define BELFRY_USUAL_STATE_H

#include "mem.h"

/* $BELFRY_STATE; the system's place for root; the user's place (XDG base directories)
 * for a user. NULL: there is none. */
const char *usual_state(struct arena *arena);

#endif

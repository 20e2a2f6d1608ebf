/* usual_state.c - where the state directory is when nobody says so. */
#include "usual_state.h"

#include <stdlib.h>
#include <unistd.h>

#include "str.h"

const char *usual_state(struct arena *arena)
{
	const char *named = getenv("BELFRY_STATE"), *xdg = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (!str_empty(named))
		return named;
	if (geteuid() == 0)
		return "/var/lib/belfry";
	if (!str_empty(xdg) && xdg[0] == '/')
		return arena_format(arena, "%s/belfry", xdg);
	return str_empty(home) ? NULL : arena_format(arena, "%s/.local/state/belfry", home);
}

/* state_dir.c - the state directory: made, locked, and owned by one daemon. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "internal.h"
#include "owner.h"

static bool make(const char *path, struct err *err)
{
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return err_errno(err, errno, "cannot make the state directory %s", path);
	return true;
}

bool state_dir_take(const char *path, int *lock, struct err *err)
{
	char name[4096];
	bool is_taken;
	struct err owner;

	if (!make(path, err))
		return false;
	if ((size_t)snprintf(name, sizeof(name), "%s/lock", path) >= sizeof(name))
		return err_set(err, "the path of the state directory is too long");
	if (owner_take(name, lock, &is_taken, &owner))
		return true;
	if (is_taken)
		return err_set(err,
			       "another belfry uses the state directory %s (%s); stop it, or "
			       "choose another one with --state",
			       path, owner.text);
	return err_set(err,
		       "the state directory %s cannot be used: %s; it has to be a folder that "
		       "belfry may write to",
		       path, owner.text);
}

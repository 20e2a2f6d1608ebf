/* user.c - the user a job runs as; see user.h. */
#include "user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

/* All digits, and a user id. */
static bool read_number(const char *text, uint32_t *uid)
{
	char *end;

	if (!*text || strspn(text, "0123456789") != strlen(text))
		return false;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	*uid = (uint32_t)value;
	return errno == 0 && value < UINT32_MAX; /* the last one means "no change" */
}

static void find_groups(const struct passwd *entry, struct arena *arena, struct user *user)
{
	int count = 64;
	gid_t *groups;

	for (;;) {
		int room = count;

		groups = arena_array(arena, gid_t, (size_t)count);
		if (getgrouplist(entry->pw_name, entry->pw_gid, groups, &count) >= 0)
			break;
		if (count <= room) /* it says more only where there is more */
			count = room * 2;
	}
	user->groups = groups;
	user->group_count = (uint32_t)count;
}

bool user_find(const char *text, struct arena *arena, struct user *user, struct err *err)
{
	uint32_t uid = 0;
	bool is_number = read_number(text, &uid);

	errno = 0;
	const struct passwd *entry = is_number ? getpwuid(uid) : getpwnam(text);
	if (!entry && errno != 0 && errno != ENOENT && errno != ESRCH)
		return err_errno(err, errno, "cannot look up the user %s", text);
	if (!entry && !is_number)
		return err_set(err, "there is no user %s", text);
	*user = (struct user){.uid = uid, .gid = uid};
	if (!entry)
		return true;
	user->uid = entry->pw_uid;
	user->gid = entry->pw_gid;
	user->name = arena_text(arena, entry->pw_name);
	user->home = arena_text(arena, entry->pw_dir);
	user->shell = arena_text(arena, entry->pw_shell);
	find_groups(entry, arena, user);
	return true;
}

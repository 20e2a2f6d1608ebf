/* user.h - the user a job runs as, looked up (getpwnam(3), getgrouplist(3)). */
#ifndef BELFRY_USER_H
#define BELFRY_USER_H

#include "err.h"
#include "mem.h"

struct user {
	const char *name, *home, *shell; /* NULL: a number without an entry */
	uint32_t uid, gid;
	const uint32_t *groups;
	uint32_t group_count;
};

/* A name or a number. Texts and groups live in the arena. */
bool user_find(const char *text, struct arena *arena, struct user *user, struct err *err);

#endif

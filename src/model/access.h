/*
 * access.h - who may do what: tokens, and the audit log of what was done.
 */
#ifndef BELFRY_ACCESS_H
#define BELFRY_ACCESS_H

#include <stdint.h>

#include "instant.h"
#include "words.h"

enum { TOKEN_HASH_SIZE = 32 };

/* A bearer token as belfry keeps it: the token itself is told once, when it is made. */
struct token {
	const char *id;   /* also the token's beginning, so that people can tell them apart */
	const char *name; /* whose it is, or what for */
	enum scope scope; /* each allows what those before it do */
	const char *jobs; /* pattern (glob(7)) of the jobs it is for; NULL: all */
	uint8_t hash[TOKEN_HASH_SIZE]; /* BLAKE2b of the token; no password, so no salt */
	struct utc created_at;
	struct utc expires_at; /* UTC_NONE: never */
	struct utc revoked_at; /* UTC_NONE: it is not */
	const char *created_by;
};

/* One change that somebody made through the API. */
struct audit {
	int64_t number; /* from 1, rising */
	struct utc at;
	const char *who;     /* a token's name; "local" where there are none */
	const char *address; /* from where */
	const char *action;  /* "trigger", "apply" … */
	const char *target;  /* a job, a run, a revision; NULL if none */
	int32_t status;      /* of the answer, as of HTTP */
};

#endif

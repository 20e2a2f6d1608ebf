/*
 * auth.h - whether a request may do what it asks for. Pure.
 *
 * A token is a text such as bft_k3v9x2ma_…: its id, which may be shown, and 32 random
 * bytes. Kept is its hash alone. Looking one up takes the same time whatever is asked.
 */
#ifndef BELFRY_AUTH_H
#define BELFRY_AUTH_H

#include "access.h"
#include "job.h"

enum {
	TOKEN_ID_LENGTH = 8,
	TOKEN_TEXT_MAX = 128, /* longer texts are no tokens */
};

/* A new token and its hash; `text` is told once and forgotten. */
void auth_draw(char text[TOKEN_TEXT_MAX], char id[TOKEN_ID_LENGTH + 1],
	       uint8_t hash[TOKEN_HASH_SIZE]);
void auth_hash(const char *text, uint8_t hash[TOKEN_HASH_SIZE]);

enum auth_verdict {
	AUTH_FINE,
	AUTH_MISSING, /* no Authorization header */
	AUTH_UNKNOWN, /* no such token, or one that was revoked */
	AUTH_EXPIRED,
	AUTH_SCOPE, /* it may not do that */
	AUTH_JOB,   /* not with that job */
};

struct auth_question {
	const struct token *tokens; /* in use; none: whoever can reach belfry may do all */
	size_t count;
	const char *authorization; /* the header; NULL if absent */
	enum scope scope;          /* what the route needs */
	const char *job;           /* that it is about; NULL: none */
	bool is_about_all;         /* about other jobs as well, as a list that is not filtered */
	struct utc now;
};
/* *token is who asks, NULL where that is not known. */
enum auth_verdict auth_decide(const struct auth_question *question, const struct token **token);

#endif

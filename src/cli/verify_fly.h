/*
 * verify_fly.h - whether an app on Fly is up: Fly is asked for its Machines, and where no
 * check tells, for who listens in them and for what its proxy says.
 */
#ifndef BELFRY_VERIFY_FLY_H
#define BELFRY_VERIFY_FLY_H

#include "fly_calls.h"
#include "fly_verdict.h"
#include "http_client.h"

/* What came of asking for the Machines. */
enum verify_fly_reach {
	VERIFY_FLY_TOLD,
	VERIFY_FLY_NO_TOKEN,
	VERIFY_FLY_DENIED,
	VERIFY_FLY_NO_APP,
	VERIFY_FLY_NO_ANSWER,
	VERIFY_FLY_ERROR, /* another status, or no list of Machines */
};

struct verify_fly {
	const char *name; /* the app's; NULL: Fly is not asked */
	struct fly_place place;
	struct arena arena; /* of the last try, as all that follows */
	enum verify_fly_reach reach;
	int status;
	const char *why; /* of Fly, or of the library; NULL: nothing is told */
	struct fly_app app;
	struct utc now;
	bool was_asked;
};

void verify_fly_finish(struct verify_fly *fly);
/* One try, so long at most for each answer; what an earlier one told stays if this one is
 * cut short and may be. */
void verify_fly_ask(struct verify_fly *fly, int64_t timeout_ms, bool may_keep);

/* ---- verify_fly_line.c; pure ---- */

bool verify_fly_is_up(const struct verify_fly *fly);
/* Asking again tells nothing else. */
bool verify_fly_is_final(const struct verify_fly *fly);
const char *verify_fly_word(const struct verify_fly *fly);
/* What is so, or wrong, and what to do: one line without its end, and without "up: ". */
void verify_fly_line(const struct verify_fly *fly, struct buf *out);
/* The member "fly". */
void verify_fly_json(const struct verify_fly *fly, struct buf *out);

#endif

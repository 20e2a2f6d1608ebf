/*
 * verify_verdict.h - whether an app is up, from what was seen of it: one word, one line
 * for people with what to do about it, one object for programs. Pure.
 */
#ifndef BELFRY_VERIFY_VERDICT_H
#define BELFRY_VERIFY_VERDICT_H

#include "http_client.h"

enum verify_verdict {
	VERIFY_UP,
	VERIFY_REFUSED,
	VERIFY_NAME_NOT_FOUND,
	VERIFY_UNREACHABLE,
	VERIFY_TIMED_OUT,
	VERIFY_BAD_CERTIFICATE,
	VERIFY_NO_TLS,
	VERIFY_NO_HTTP,
	VERIFY_BROKE_OFF,
	VERIFY_REDIRECTED,
	VERIFY_WRONG_STATUS,
	VERIFY_TEXT_MISSING,
	VERIFY_FAILED, /* for another reason */
	VERIFY_COUNT
};
const char *verify_verdict_word(enum verify_verdict verdict);

/* What would be right. */
struct verify_wanted {
	const char *url;  /* as it is told, without name and password; NULL: none is asked */
	bool hides_url;   /* `url` is but a name for it: nothing of the real one is told */
	int least, most;  /* status, both included */
	const char *text; /* in the body; NULL: anything */
};

/* The last try, and how many there were. */
struct verify_seen {
	enum http_failure failure;
	int status; /* 0: none */
	const char *location;
	const char *why; /* the failure, in the library's words */
	bool has_text;
	int tries;
	int64_t elapsed_ms;
};

/* "200", or a class such as "2xx". */
bool verify_status_parse(const char *text, int *least, int *most);

enum verify_verdict verify_judge(const struct verify_wanted *wanted,
				 const struct verify_seen *seen);
/* What is so, or wrong, and what to do; one line without its end, and without "up: ". */
void verify_line(const struct verify_wanted *wanted, const struct verify_seen *seen,
		 struct buf *out);
/* " (3 tries in 4.1s)" */
void verify_effort(const struct verify_seen *seen, struct buf *out);
/* What is wrong alone, for who waits: "answers 503". */
void verify_short(const struct verify_wanted *wanted, const struct verify_seen *seen,
		  struct buf *out);
/* What is told of the whole: of the URL, or of what else was asked. */
struct verify_told {
	bool is_up;
	const char *verdict, *line;
};
/* The object, open to be added to. */
void verify_json_members(const struct verify_wanted *wanted, const struct verify_seen *seen,
			 const struct verify_told *told, struct buf *out);

#endif

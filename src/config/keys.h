/*
 * keys.h - the one table of keys.
 *
 * A row says all there is to know of a key. The parser reads by it, `belfry keys`
 * lists it, the JSON Schema is written from it: a key added in keys.c is parsed,
 * documented and in the schema.
 */
#ifndef BELFRY_KEYS_H
#define BELFRY_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json_read.h"

enum key {
	KEY_NONE, /* the parent of the top-level keys */
	KEY_SCHEMA,
	KEY_FILE_TIMEZONE,
	KEY_DEFAULTS,
	KEY_JOBS,
	KEY_NAME,
	KEY_WAS,
	KEY_DESCRIPTION,
	KEY_TAGS,
	KEY_SCHEDULE,
	KEY_EVERY,
	KEY_AT,
	KEY_MONTH,
	KEY_DAY,
	KEY_WEEKDAY,
	KEY_TIME,
	KEY_MINUTE,
	KEY_TIMEZONE,
	KEY_START,
	KEY_END,
	KEY_EXCEPT,
	KEY_JITTER,
	KEY_ENABLED,
	KEY_TIMEOUT,
	KEY_COMMAND_TIMEOUT,
	KEY_GRACE,
	KEY_DEADLINE,
	KEY_RETRY,
	KEY_ATTEMPTS,
	KEY_BACKOFF,
	KEY_MAX_BACKOFF,
	KEY_RETRY_ON,
	KEY_PRIORITY,
	KEY_GROUP,
	KEY_GROUP_LIMIT,
	KEY_OVERLAP,
	KEY_CATCHUP,
	KEY_CATCHUP_WINDOW,
	KEY_EXIT_CODES,
	KEY_PARTIAL_CODES,
	KEY_DRY_RUN,
	KEY_ENV,
	KEY_ENV_FILE,
	KEY_ALERT,
	KEY_ALERT_PARTIAL,
	KEY_KEEP,
	KEY_KEEP_AGE,
	KEY_KEEP_RUNS,
	KEY_COMMAND,
	KEY_CWD,
	KEY_USER,
	KEY_SHELL,
	KEY_UMASK,
	KEY_NO_NEW_PRIVS,
	KEY_LIMITS,
	KEY_OPEN_FILES,
	KEY_PROCESSES,
	KEY_FILE_SIZE,
	KEY_MEMORY,
	KEY_CPU,
	KEY_CPUS,
	KEY_CORE,
	KEY_VERIFY,
	KEY_VERIFY_URL,
	KEY_VERIFY_FLY,
	KEY_VERIFY_STATUS,
	KEY_VERIFY_TEXT,
	KEY_VERIFY_WITHIN,
	KEY_DOCKER,
	KEY_DOCKER_IMAGE,
	KEY_DOCKER_NETWORK,
	KEY_DOCKER_VOLUMES,
	KEY_FLY,
	KEY_FLY_APP,
	KEY_FLY_REGION,
	KEY_FLY_IMAGE,
	KEY_FLY_GUEST,
	KEY_FLY_CONFIG,
	KEY_FLY_GROUP,
	KEY_FLY_NATIVE,
	KEY_APP_NAME,
	KEY_REGION,
	KEY_CONFIG,
	KEY_HTTP,
	KEY_URL,
	KEY_METHOD,
	KEY_HEADERS,
	KEY_BODY,
	KEY_EXPECT,
	KEY_COUNT
};

/* What a value looks like; each has its reader in value*.c and its schema in schema.c. */
enum key_kind {
	KIND_TEXT,
	KIND_ZONE,
	KIND_DURATION,
	KIND_INTEGER,
	KIND_SIZE,
	KIND_FRACTION, /* kept in thousandths; so are its least and most */
	KIND_SWITCH,
	KIND_WORD,
	KIND_OUTCOMES,
	KIND_TEXTS,
	KIND_NAMES,    /* one or a list, as texts */
	KIND_INTEGERS, /* one or a list, as bytes where they are kept */
	KIND_MAP,      /* names to texts */
	KIND_UMASK,
	KIND_STATUS, /* of HTTP, or a class of them */
	KIND_COMMAND,
	KIND_SCHEDULE,
	KIND_CALENDAR, /* a text or a number, or a list of them */
	KIND_OBJECT,   /* with members of its own in this table */
	KIND_ANY,      /* an object passed through as it is */
	KIND_DEFAULTS,
	KIND_JOBS,
	KIND_COUNT
};

/* Further rules for texts. */
enum text_rule {
	RULE_NONE,
	RULE_NAME,
	RULE_MOMENT,
	RULE_EXCEPTION,
	RULE_URL,
	RULE_ENV_NAME, /* for the names of a KIND_MAP */
	RULE_HEADER,
	RULE_COUNT
};

struct key_row {
	const char *path, *name;
	enum key parent;
	enum key_kind kind;
	const char *type; /* for people */
	const char *default_json;
	const char *summary;
	bool is_required;
	bool is_expanded;     /* ${NAME} is taken from the environment */
	bool is_job_only;     /* has no place in "defaults" */
	bool is_process_only; /* means nothing to other executors */
	bool is_kept;         /* the value goes to `offset` of the draft */
	int64_t least, most;  /* of numbers and durations (ms); bytes of texts; 0: no limit */
	const char *const *words;
	enum text_rule rule;
	size_t offset, width; /* in struct draft */
	size_t shown_offset;  /* where the text goes as it was written; 0: nowhere */
	int64_t scale;        /* the number is kept times this; 0: as it is */
};

extern const struct key_row keys[KEY_COUNT];

/* The member of that name of parent's object; KEY_NONE where there is none. */
enum key key_find(enum key parent, const struct json_reader *r, struct json_piece name);
/* The nearest member's name to offer for a misspelt one, or NULL. */
const char *key_nearest(enum key parent, bool in_defaults, const char *name);
/* Bits (1u << enum json_kind) of the JSON that a kind takes. */
unsigned kind_takes(enum key_kind kind);

enum { MAP_MAX = 1000 }; /* names in a KIND_MAP */

struct rule_row {
	const char *pattern; /* for the schema (ECMA 262) */
	const char *wanted;  /* for people */
	bool (*is_met)(const char *text);
};
extern const struct rule_row text_rules[RULE_COUNT];
#define DURATION_PATTERN "^(?=[0-9])([0-9]+d)?([0-9]+h)?([0-9]+m(?!s))?([0-9]+s)?([0-9]+ms)?$"
#define SIZE_PATTERN     "^[0-9]+([KMGT](i?B)?)?$"
#define UMASK_PATTERN    "^0?[0-7]{1,3}$"
#define STATUS_PATTERN   "^[1-5][Xx]{2}$"

#endif

/*
 * words.h - every enum of belfry's vocabulary and its word.
 *
 * The same words in code, database, API, CLI and documents. Each list is
 * written once; the enum, the word and the way back come from it. Values are
 * stored as words, so the order may change between versions.
 */
#ifndef BELFRY_WORDS_H
#define BELFRY_WORDS_H

#include <stdbool.h>

/* Where a run is in its life. Only FINISHED has an outcome.
 *	claimed   recorded in the store, or about to be; not started
 *	starting  handed to the executor; no answer yet
 *	running   the executor has started it
 *	stopping  asked to stop (cancel, replace, timeout); not ended yet
 *	backoff   an attempt failed; the next one waits
 *	finished  ended; never changes again */
#define RUN_STATES(X)                                                                              \
	X(RUN_CLAIMED, "claimed")                                                                  \
	X(RUN_STARTING, "starting")                                                                \
	X(RUN_RUNNING, "running")                                                                  \
	X(RUN_STOPPING, "stopping")                                                                \
	X(RUN_BACKOFF, "backoff")                                                                  \
	X(RUN_FINISHED, "finished")

#define OUTCOMES(X)                                                                                \
	X(OUTCOME_NONE, "")                                                                        \
	X(OUTCOME_SUCCEEDED, "succeeded")                                                          \
	X(OUTCOME_PARTIAL, "partial")                                                              \
	X(OUTCOME_FAILED, "failed")                                                                \
	X(OUTCOME_TIMED_OUT, "timed_out")                                                          \
	X(OUTCOME_CANCELED, "canceled")                                                            \
	X(OUTCOME_UNKNOWN, "unknown")

#define TRIGGERS(X)                                                                                \
	X(TRIGGER_SCHEDULE, "schedule")                                                            \
	X(TRIGGER_MANUAL, "manual")                                                                \
	X(TRIGGER_RETRY, "retry")                                                                  \
	X(TRIGGER_CATCHUP, "catchup")                                                              \
	X(TRIGGER_BOOT, "boot")

#define OCCURRENCE_STATES(X)                                                                       \
	X(OCCURRENCE_RAN, "ran")                                                                   \
	X(OCCURRENCE_SKIPPED, "skipped")                                                           \
	X(OCCURRENCE_MISSED, "missed")

#define REASONS(X)                                                                                 \
	X(REASON_NONE, "")                                                                         \
	X(REASON_OVERLAP, "overlap")                                                               \
	X(REASON_PAUSED, "paused")                                                                 \
	X(REASON_EXCLUDED, "excluded")                                                             \
	X(REASON_DISABLED, "disabled")                                                             \
	X(REASON_DOWN, "down")                                                                     \
	X(REASON_LATE, "late")

#define EXECUTORS(X)                                                                               \
	X(EXECUTOR_PROCESS, "process")                                                             \
	X(EXECUTOR_DOCKER, "docker")                                                               \
	X(EXECUTOR_FLY, "fly")                                                                     \
	X(EXECUTOR_HTTP, "http")

/* STREAM_BELFRY carries belfry's own notes in a run's log. */
#define STREAMS(X)                                                                                 \
	X(STREAM_STDOUT, "stdout")                                                                 \
	X(STREAM_STDERR, "stderr")                                                                 \
	X(STREAM_BELFRY, "belfry")

/* Of a token: each may do what those before it may. */
#define SCOPES(X)                                                                                  \
	X(SCOPE_VIEW, "view")                                                                      \
	X(SCOPE_OPERATE, "operate")                                                                \
	X(SCOPE_ADMIN, "admin")

/* Why nobody looked at what fell due for a while. */
#define ABSENCES(X)                                                                                \
	X(ABSENCE_DOWN, "down")                                                                    \
	X(ABSENCE_ASLEEP, "asleep")                                                                \
	X(ABSENCE_STALLED, "stalled")                                                              \
	X(ABSENCE_SET_FORWARD, "set_forward")

#define OVERLAPS(X)                                                                                \
	X(OVERLAP_FORBID, "forbid")                                                                \
	X(OVERLAP_ALLOW, "allow")                                                                  \
	X(OVERLAP_QUEUE, "queue")                                                                  \
	X(OVERLAP_REPLACE, "replace")

#define CATCHUPS(X)                                                                                \
	X(CATCHUP_ONCE, "once")                                                                    \
	X(CATCHUP_ALL, "all")                                                                      \
	X(CATCHUP_NONE, "none")

/* What a plan does to a job. */
#define PLAN_KINDS(X)                                                                              \
	X(PLAN_CREATE, "create")                                                                   \
	X(PLAN_UPDATE, "update")                                                                   \
	X(PLAN_ENABLE, "enable")                                                                   \
	X(PLAN_DISABLE, "disable")                                                                 \
	X(PLAN_RENAME, "rename")                                                                   \
	X(PLAN_DELETE, "delete")                                                                   \
	X(PLAN_UNCHANGED, "unchanged")

#define WORD_ENUM_ROW(name, word) name,
#define WORD_ENUM(type, prefix, rows)                                                              \
	enum type { rows(WORD_ENUM_ROW) prefix##_COUNT };                                          \
	const char *type##_word(enum type value);                                                  \
	bool type##_from_word(const char *word, enum type *value);

WORD_ENUM(run_state, RUN_STATE, RUN_STATES)
WORD_ENUM(outcome, OUTCOME, OUTCOMES)
WORD_ENUM(trigger, TRIGGER, TRIGGERS)
WORD_ENUM(occurrence_state, OCCURRENCE_STATE, OCCURRENCE_STATES)
WORD_ENUM(reason, REASON, REASONS)
WORD_ENUM(executor_kind, EXECUTOR_KIND, EXECUTORS)
WORD_ENUM(stream, STREAM, STREAMS)
WORD_ENUM(scope, SCOPE, SCOPES)
WORD_ENUM(absence, ABSENCE, ABSENCES)
WORD_ENUM(overlap, OVERLAP, OVERLAPS)
WORD_ENUM(catchup, CATCHUP, CATCHUPS)
WORD_ENUM(plan_kind, PLAN_KIND, PLAN_KINDS)

#endif

/* recorder.c - records in order, committed in groups; see recorder.h. */
#include "recorder.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

static const char *keep(struct recorder *recorder, const char *text)
{
	return text ? arena_text(&recorder->arena, text) : NULL;
}

static void keep_texts(struct recorder *recorder, struct record *record)
{
	switch (record->kind) {
	case RECORD_CLAIM:
	case RECORD_RUN:
		record->run.job = keep(recorder, record->run.job);
		record->run.message = keep(recorder, record->run.message);
		record->run.image = keep(recorder, record->run.image);
		break;
	case RECORD_ATTEMPT:
		record->attempt.message = keep(recorder, record->attempt.message);
		break;
	case RECORD_OCCURRENCE:
		record->occurrence.job = keep(recorder, record->occurrence.job);
		break;
	case RECORD_LOG:
		record->log.data =
			arena_copy(&recorder->arena, record->log.data, record->log.length);
		recorder->bytes += record->log.length;
		break;
	case RECORD_DOWNTIME:
	case RECORD_LEFT: break;
	case RECORD_REVISION: {
		struct revision *revision = &record->revision;

		revision->hash = keep(recorder, revision->hash);
		revision->author = keep(recorder, revision->author);
		revision->source = keep(recorder, revision->source);
		revision->message = keep(recorder, revision->message);
		revision->changes = keep(recorder, revision->changes);
		revision->content =
			arena_copy(&recorder->arena, revision->content, revision->length);
		break;
	}
	case RECORD_TOKEN:
		record->token.id = keep(recorder, record->token.id);
		record->token.name = keep(recorder, record->token.name);
		record->token.jobs = keep(recorder, record->token.jobs);
		record->token.created_by = keep(recorder, record->token.created_by);
		break;
	case RECORD_AUDIT:
		record->audit.who = keep(recorder, record->audit.who);
		record->audit.address = keep(recorder, record->audit.address);
		record->audit.action = keep(recorder, record->audit.action);
		record->audit.target = keep(recorder, record->audit.target);
		break;
	case RECORD_PAUSE:
	case RECORD_RESUME:
		record->pause.job = keep(recorder, record->pause.job);
		record->pause.reason = keep(recorder, record->pause.reason);
		record->pause.by = keep(recorder, record->pause.by);
		break;
	case RECORD_RENAME:
		record->rename.from = keep(recorder, record->rename.from);
		record->rename.to = keep(recorder, record->rename.to);
		break;
	case RECORD_EVALUATED:
	case RECORD_EPOCH: break;
	}
}

/* Nothing may start before it is durable: a run, and its next attempt. */
static bool lets_start(const struct record *record)
{
	return record->kind == RECORD_CLAIM ||
	       (record->kind == RECORD_RUN && record->run.state == RUN_BACKOFF);
}

static bool may_wait(const struct record *record)
{
	return !lets_start(record) &&
	       (record->kind == RECORD_RUN || record->kind == RECORD_ATTEMPT ||
		record->kind == RECORD_LOG);
}

void recorder_add(struct recorder *recorder, const struct record *record, struct mono now)
{
	if (recorder->count == recorder->capacity) {
		recorder->capacity = recorder->capacity ? recorder->capacity * 2 : 64;
		recorder->records =
			mem_resize(recorder->records, recorder->capacity * sizeof(struct record));
	}
	if (recorder->count == 0)
		recorder->due = (struct mono){now.ms + RECORDER_GROUP_MS};
	struct record *copy = &recorder->records[recorder->count++];
	*copy = *record;
	keep_texts(recorder, copy);
	if (!may_wait(record) || recorder->bytes > RECORDER_BYTES_MAX)
		recorder->is_urgent = true;
}

void recorder_forget(struct recorder *recorder, enum executor_kind executor, uint64_t run)
{
	if (recorder->ended_count == recorder->ended_capacity) {
		recorder->ended_capacity =
			recorder->ended_capacity ? recorder->ended_capacity * 2 : 16;
		recorder->ended = mem_resize(recorder->ended,
					     recorder->ended_capacity * sizeof(struct ended));
	}
	recorder->ended[recorder->ended_count++] = (struct ended){run, executor};
}

static bool note_claim(void *context, const struct run *run)
{
	struct record *record = context;
	const struct run *claim = &record->run;

	/* Not by its job, which the same commit may have renamed. */
	record->lost = run->claimed_at.ms != claim->claimed_at.ms || run->epoch != claim->epoch ||
		       run->scheduled_at.ms != claim->scheduled_at.ms;
	return false;
}

/* A commit that was said to have failed may have stored all the same: a claim that
 * comes too late for itself is none. The run's id tells. */
static bool settle_claims(const struct recorder *recorder, struct err *err)
{
	if (recorder->is_shared) /* the store tells so itself */
		return true;
	for (size_t i = 0; i < recorder->count; i++) {
		struct record *record = &recorder->records[i];

		if (record->kind == RECORD_CLAIM && record->lost &&
		    !store_runs(recorder->store, &(struct run_filter){.id = record->run.id},
				note_claim, record, err))
			return err_wrap(err, "looking for a claim");
	}
	return true;
}

static void answer_claims(struct recorder *recorder)
{
	for (size_t i = 0; i < recorder->count; i++) {
		const struct record *record = &recorder->records[i];

		if (lets_start(record))
			inbox_push(recorder->inbox,
				   &(struct event){.kind = record->lost ? EVENT_CLAIM_LOST
									: EVENT_RECORDED,
						   .run = record->run.id});
	}
}

/* Chunks of one run come in a row: one word for all of them. */
static void tell_committed(const struct recorder *recorder)
{
	uint64_t last = 0;

	for (size_t i = 0; i < recorder->count; i++) {
		const struct record *record = &recorder->records[i];
		uint64_t run = record->kind == RECORD_LOG   ? record->log.run
			       : record->kind == RECORD_RUN ? record->run.id
							    : 0;

		if (run && run != last)
			recorder->committed(recorder->context, run);
		last = run;
	}
}

/* What one burst needed is not kept for ever. */
static void forget_all(struct recorder *recorder)
{
	recorder->count = recorder->ended_count = recorder->bytes = 0;
	if (arena_size(&recorder->arena) > RECORDER_BYTES_MAX)
		arena_finish(&recorder->arena);
	else
		arena_reset(&recorder->arena);
	if (recorder->capacity > RECORDER_IDLE_COUNT) {
		free(recorder->records);
		recorder->records = NULL;
		recorder->capacity = 0;
	}
}

void recorder_drop(struct recorder *recorder)
{
	forget_all(recorder);
	recorder->is_urgent = recorder->is_failing = false;
}

static bool failed(struct recorder *recorder, const struct err *err, struct mono now)
{
	if (!recorder->is_failing)
		log_error("the store does not take records, nothing new is started: %s", err->text);
	recorder->is_failing = true;
	recorder->failure = *err;
	recorder->due = (struct mono){now.ms + RECORDER_RETRY_MS};
	return false;
}

bool recorder_flush(struct recorder *recorder, struct mono now, bool whole)
{
	bool is_due = now.ms >= recorder->due.ms || (recorder->is_urgent && !recorder->is_failing);
	struct err err;

	if (recorder->count == 0 || (!whole && !is_due))
		return !recorder->is_failing;
	if (!store_apply(recorder->store, recorder->records, recorder->count, &err) ||
	    !settle_claims(recorder, &err))
		return failed(recorder, &err, now);
	if (recorder->is_failing)
		log_warn("the store takes records again");
	recorder->is_failing = recorder->is_urgent = false;
	recorder->commits++;
	answer_claims(recorder);
	for (size_t i = 0; i < recorder->ended_count; i++)
		recorder->forget(recorder->context, recorder->ended[i].executor,
				 recorder->ended[i].run);
	tell_committed(recorder);
	forget_all(recorder);
	return true;
}

bool recorder_is_full(const struct recorder *recorder)
{
	return recorder->is_failing && recorder->bytes >= RECORDER_FULL;
}

struct mono recorder_due(const struct recorder *recorder)
{
	return recorder->count ? recorder->due : (struct mono){INT64_MAX};
}

void recorder_finish(struct recorder *recorder)
{
	arena_finish(&recorder->arena);
	free(recorder->records);
	free(recorder->ended);
	recorder->records = NULL;
	recorder->ended = NULL;
	recorder->count = recorder->ended_count = 0;
}

/*
 * store.c - the rules that hold for every store; see store.h.
 *
 * What a key is. A run is known by its id, an attempt by run and number, a chunk of
 * log by run, attempt and position, a revision by its number, an occurrence by job,
 * first instant and clock epoch, a downtime by its end and beginning. Whatever comes again under a
 * key that is taken changes nothing, so a batch may be applied twice; claims, occurrences and
 * revisions are told that they are lost. What belongs to a run that is not there (its claim was
 * lost in the same batch, or it was pruned) is passed over.
 *
 * A job is known by its name. One that is renamed takes with it all that is kept of it;
 * where the new name has an occurrence of the same key, or a pause, already, that of the
 * old one goes.
 *
 * A stretch of missed instants is one row with the key of its first instant. A single
 * instant inside it is taken like its key, until the next row: a daemon that begins by a
 * file with another jitter brings it up again. Otherwise no later record falls inside it:
 * the engine records the stretch and the watermark behind it (RECORD_EVALUATED) in one
 * batch, and goes on from there.
 */
#include "store.h"

#include <assert.h>
#include <string.h>

#include "backend.h"

/* ---- records: what is wrong here is our own fault ---- */

static bool is_time(struct utc t)
{
	return t.ms != INT64_MAX;
}

static bool is_id(uint64_t id)
{
	return id != 0 && id <= INT64_MAX;
}

static void check_run(const struct run *run)
{
	bool is_finished = run->state == RUN_FINISHED;

	assert(is_id(run->id) && run->job && *run->job);
	assert(is_finished == (run->outcome != OUTCOME_NONE));
	assert(is_finished == utc_is_set(run->finished_at));
	assert(is_time(run->scheduled_at) && is_time(run->claimed_at));
	assert(is_time(run->started_at) && is_time(run->finished_at));
}

static void check_attempt(const struct attempt *attempt)
{
	assert(is_id(attempt->run) && attempt->number > 0);
	assert(attempt->outcome != OUTCOME_NONE);
	assert(is_time(attempt->started_at) && is_time(attempt->finished_at));
}

static void check_occurrence(const struct occurrence *occurrence)
{
	assert(occurrence->job && *occurrence->job && occurrence->run == 0);
	assert(occurrence->state != OCCURRENCE_RAN && occurrence->reason != REASON_NONE);
	assert(utc_is_set(occurrence->scheduled_at) && utc_is_set(occurrence->last_at));
	assert(occurrence->last_at.ms >= occurrence->scheduled_at.ms && occurrence->count >= 1);
	assert(is_time(occurrence->recorded_at));
}

static void check_log(const struct log_chunk *log)
{
	assert(is_id(log->run) && log->attempt >= 0 && log->position >= 0);
	assert(is_time(log->at) && (log->data || log->length == 0));
}

static void check_downtime(const struct downtime *downtime)
{
	const struct downtime_counts *counts = &downtime->counts;

	assert(utc_is_set(downtime->since) && utc_is_set(downtime->until));
	assert(downtime->since.ms <= downtime->until.ms);
	assert(counts->caught_up >= 0 && counts->skipped >= 0 && counts->missed >= 0);
}

static void check_revision(const struct revision *revision)
{
	assert(revision->number > 0 && is_time(revision->applied_at));
	assert(revision->content || revision->length == 0);
}

static void check_token(const struct token *token)
{
	assert(token->id && *token->id && token->name && token->created_by);
	assert(is_time(token->created_at) && is_time(token->expires_at) &&
	       is_time(token->revoked_at));
}

static void check_audit(const struct audit *audit)
{
	assert(audit->number > 0 && audit->who && audit->address && audit->action &&
	       is_time(audit->at));
}

static void check_pause(const struct pause *pause)
{
	assert(pause->job && *pause->job && is_time(pause->since) && is_time(pause->until));
}

static void check(const struct record *record)
{
	switch (record->kind) {
	case RECORD_CLAIM:
	case RECORD_RUN: check_run(&record->run); break;
	case RECORD_ATTEMPT: check_attempt(&record->attempt); break;
	case RECORD_OCCURRENCE: check_occurrence(&record->occurrence); break;
	case RECORD_LOG: check_log(&record->log); break;
	case RECORD_DOWNTIME: check_downtime(&record->downtime); break;
	case RECORD_LEFT: assert(utc_is_set(record->left_at)); break;
	case RECORD_REVISION: check_revision(&record->revision); break;
	case RECORD_TOKEN: check_token(&record->token); break;
	case RECORD_AUDIT: check_audit(&record->audit); break;
	case RECORD_PAUSE:
	case RECORD_RESUME: check_pause(&record->pause); break;
	case RECORD_RENAME: assert(strcmp(record->rename.from, record->rename.to) != 0); break;
	case RECORD_EPOCH:
		assert(is_time(record->evaluated.fixed_until));
		__attribute__((fallthrough));
	case RECORD_EVALUATED: assert(is_time(record->evaluated.until)); break;
	}
}

/* ---- the doors ---- */

void store_close(struct store *store)
{
	if (!store)
		return;
	assert(store->readers == 0);
	store->ops->close(store);
}

bool store_apply(struct store *store, struct record *records, size_t count, struct err *err)
{
	assert(store->readers == 0);
	if (count == 0)
		return true;
	for (size_t i = 0; i < count; i++) {
		check(&records[i]);
		records[i].lost = false;
	}
	if (store->lease)
		store->lease->refusal = REFUSAL_NONE;
	return store->ops->apply(store, records, count, err);
}

bool store_load(struct store *store, struct arena *arena, struct store_state *state,
		struct err *err)
{
	*state = (struct store_state){.evaluated_until = UTC_NONE,
				      .fixed_until = UTC_NONE,
				      .left_at = UTC_NONE,
				      .seen_at = UTC_NONE};
	return store->ops->load(store, arena, state, err);
}

bool store_runs(struct store *store, const struct run_filter *filter, store_run_fn *row,
		void *context, struct err *err)
{
	store->readers++;
	bool ok = store->ops->runs(store, filter, row, context, err);
	store->readers--;
	return ok;
}

bool store_attempts(struct store *store, uint64_t run, store_attempt_fn *row, void *context,
		    struct err *err)
{
	store->readers++;
	bool ok = store->ops->attempts(store, run, row, context, err);
	store->readers--;
	return ok;
}

bool store_log(struct store *store, const struct log_filter *filter, store_log_fn *row,
	       void *context, struct err *err)
{
	store->readers++;
	bool ok = store->ops->log(store, filter, row, context, err);
	store->readers--;
	return ok;
}

bool store_occurrences(struct store *store, const struct occurrence_filter *filter,
		       store_occurrence_fn *row, void *context, struct err *err)
{
	store->readers++;
	bool ok = store->ops->occurrences(store, filter, row, context, err);
	store->readers--;
	return ok;
}

bool store_revisions(struct store *store, const struct revision_filter *filter,
		     store_revision_fn *row, void *context, struct err *err)
{
	store->readers++;
	bool ok = store->ops->revisions(store, filter, row, context, err);
	store->readers--;
	return ok;
}

bool store_tokens(struct store *store, store_token_fn *row, void *context, struct err *err)
{
	store->readers++;
	bool ok = store->ops->tokens(store, row, context, err);
	store->readers--;
	return ok;
}

bool store_audits(struct store *store, const struct audit_filter *filter, store_audit_fn *row,
		  void *context, struct err *err)
{
	store->readers++;
	bool ok = store->ops->audits(store, filter, row, context, err);
	store->readers--;
	return ok;
}

bool store_downtimes(struct store *store, size_t limit, store_downtime_fn *row, void *context,
		     struct err *err)
{
	store->readers++;
	bool ok = store->ops->downtimes(store, limit, row, context, err);
	store->readers--;
	return ok;
}

bool store_job_summary(struct store *store, const char *job, struct arena *arena,
		       struct job_summary *summary, struct err *err)
{
	*summary = (struct job_summary){.last_success_at = UTC_NONE};
	return store->ops->job_summary(store, job, arena, summary, err);
}

bool store_prune(struct store *store, const char *job, struct utc before, int64_t keep,
		 size_t batch, size_t *removed, struct err *err)
{
	assert(store->readers == 0 && keep >= 0 && batch > 0);
	*removed = 0;
	return store->ops->prune(store, job, before, keep, batch, removed, err);
}

bool store_job_names(struct store *store, struct arena *arena, const char *const **names,
		     size_t *count, struct err *err)
{
	*names = NULL;
	*count = 0;
	return store->ops->job_names(store, arena, names, count, err);
}

bool store_is_writable(struct store *store, struct err *err)
{
	assert(store->readers == 0);
	return store->ops->is_writable(store, err);
}

/* memory_read.c - the memory store's answers; see memory.h. */
#include <stdlib.h>
#include <string.h>

#include "memory_internal.h"

static const char *keep(struct arena *arena, const char *text)
{
	return text ? arena_text(arena, text) : NULL;
}

void memory_keep_run(struct arena *arena, struct run *copy, const struct run *run)
{
	*copy = *run;
	copy->job = keep(arena, run->job);
	copy->message = keep(arena, run->message);
	copy->image = keep(arena, run->image);
}

static bool is_within(size_t count, size_t limit)
{
	return limit == 0 || count < limit;
}

/* ---- load ---- */

static void load_open_runs(const struct memory *memory, struct arena *arena,
			   struct store_state *state)
{
	const struct lease *lease = memory->store.lease;
	bool *is_torn = arena_array(arena, bool, memory->runs.count + 1);

	state->open_runs = arena_array(arena, struct run, memory->runs.count);
	for (size_t i = 0; i < memory->runs.count; i++) {
		const struct run_entry *entry = memory->runs.items[i];

		if (entry->run.state == RUN_FINISHED ||
		    (lease && (entry->node != lease->node || entry->is_handed)))
			continue;
		is_torn[state->open_count] = entry->is_torn;
		memory_keep_run(arena, &state->open_runs[state->open_count++], &entry->run);
	}
	if (lease)
		state->is_torn = is_torn;
}

/* Through the newest runs, and whatever is open. */
static void load_seen(const struct memory *memory, struct store_state *state)
{
	state->left_at = memory->left_at;
	state->seen_at = memory->evaluated_until;
	for (size_t i = 0; i < memory->runs.count; i++) {
		const struct run_entry *entry = memory->runs.items[memory->runs.count - 1 - i];

		if (i < STORE_SIGN_RUNS || entry->run.state != RUN_FINISHED)
			store_see_run(state, &entry->run);
	}
}

static void load_revision(const struct memory *memory, struct arena *arena,
			  struct revision *revision)
{
	if (memory->revisions.count == 0)
		return;
	*revision = *(const struct revision *)memory->revisions.items[memory->revisions.count - 1];
	revision->hash = keep(arena, revision->hash);
	revision->author = keep(arena, revision->author);
	revision->source = keep(arena, revision->source);
	revision->message = keep(arena, revision->message);
	revision->changes = keep(arena, revision->changes);
	revision->content = arena_copy(arena, revision->content, revision->length);
}

static void load_pauses(const struct memory *memory, struct arena *arena, struct store_state *state)
{
	state->pauses = arena_array(arena, struct pause, memory->pauses.count);
	for (size_t i = 0; i < memory->pauses.count; i++) {
		struct pause *copy = &state->pauses[state->pause_count++];

		*copy = *(const struct pause *)memory->pauses.items[i];
		copy->job = keep(arena, copy->job);
		copy->reason = keep(arena, copy->reason);
		copy->by = keep(arena, copy->by);
	}
}

bool memory_load(struct store *store, struct arena *arena, struct store_state *state,
		 struct err *err)
{
	const struct memory *memory = memory_of(store);

	(void)err;
	load_seen(memory, state);
	state->evaluated_until = memory->evaluated_until;
	state->fixed_until = memory->fixed_until;
	state->epoch = memory->epoch;
	state->last_run = memory->last_run;
	if (store->lease) {
		state->node = store->lease->node;
		store->lease->version = memory->version;
		store->lease->evaluated = memory->evaluated_until;
	}
	load_open_runs(memory, arena, state);
	load_pauses(memory, arena, state);
	load_revision(memory, arena, &state->revision);
	return true;
}

/* ---- lists ---- */

static bool passes(const struct run_filter *filter, const struct run *run)
{
	return (!filter->id || run->id == filter->id) &&
	       (!filter->job || strcmp(run->job, filter->job) == 0) &&
	       (filter->outcome == OUTCOME_NONE || run->outcome == filter->outcome) &&
	       (!filter->only_open || run->state != RUN_FINISHED) &&
	       (!filter->has_trigger || run->trigger == filter->trigger) &&
	       (!filter->before || run->id < filter->before) &&
	       (!filter->after || run->id > filter->after);
}

bool memory_runs(struct store *store, const struct run_filter *filter, store_run_fn *row,
		 void *context, struct err *err)
{
	const struct memory *memory = memory_of(store);
	size_t count = 0;

	(void)err;
	for (size_t i = memory->runs.count; i-- > 0 && is_within(count, filter->limit);) {
		const struct run_entry *entry = memory->runs.items[i];

		if (!passes(filter, &entry->run))
			continue;
		count++;
		if (!row(context, &entry->run))
			break;
	}
	return true;
}

bool memory_attempts(struct store *store, uint64_t run, store_attempt_fn *row, void *context,
		     struct err *err)
{
	const struct run_entry *entry = memory_find_run(memory_of(store), run);

	(void)err;
	for (size_t i = 0; entry && i < entry->attempts.count; i++)
		if (!row(context, entry->attempts.items[i]))
			break;
	return true;
}

static bool is_after(const struct log_chunk *chunk, const struct log_filter *filter)
{
	return chunk->attempt != filter->after_attempt ? chunk->attempt > filter->after_attempt
						       : chunk->position > filter->after_position;
}

bool memory_log(struct store *store, const struct log_filter *filter, store_log_fn *row,
		void *context, struct err *err)
{
	const struct run_entry *entry = memory_find_run(memory_of(store), filter->run);
	size_t count = 0;

	(void)err;
	for (size_t i = 0; entry && i < entry->log.count && is_within(count, filter->limit); i++) {
		const struct log_chunk *chunk = entry->log.items[i];

		if (!is_after(chunk, filter) ||
		    (filter->has_stream && chunk->stream != filter->stream))
			continue;
		count++;
		if (!row(context, chunk))
			break;
	}
	return true;
}

static bool is_asked_for(const struct occurrence_filter *filter,
			 const struct occurrence *occurrence)
{
	int64_t at = occurrence->scheduled_at.ms;

	return (!filter->job || strcmp(occurrence->job, filter->job) == 0) &&
	       (!filter->has_state || occurrence->state == filter->state) &&
	       (!store_bounds(filter->from) || at >= filter->from.ms) &&
	       (!store_bounds(filter->to) || at < filter->to.ms);
}

/* Newest first; what is equally new, by job. */
static int newest_first(const void *a, const void *b)
{
	const struct occurrence *x = *(struct occurrence *const *)a;
	const struct occurrence *y = *(struct occurrence *const *)b;

	if (x->scheduled_at.ms != y->scheduled_at.ms)
		return x->scheduled_at.ms < y->scheduled_at.ms ? 1 : -1;
	if (x->epoch != y->epoch)
		return x->epoch < y->epoch ? 1 : -1;
	return strcmp(x->job, y->job);
}

bool memory_occurrences(struct store *store, const struct occurrence_filter *filter,
			store_occurrence_fn *row, void *context, struct err *err)
{
	const struct memory *memory = memory_of(store);
	void **found = mem_alloc(memory->occurrences.count * sizeof(void *));
	size_t count = 0;

	(void)err;
	for (size_t i = 0; i < memory->occurrences.count; i++)
		if (is_asked_for(filter, memory->occurrences.items[i]))
			found[count++] = memory->occurrences.items[i];
	qsort(found, count, sizeof(void *), newest_first);
	for (size_t i = 0; i < count && is_within(i, filter->limit); i++)
		if (!row(context, found[i]))
			break;
	free(found);
	return true;
}

static bool is_revision_asked_for(const struct revision_filter *filter, int64_t number)
{
	return (!filter->number || number == filter->number) &&
	       (!filter->before || number < filter->before);
}

bool memory_revisions(struct store *store, const struct revision_filter *filter,
		      store_revision_fn *row, void *context, struct err *err)
{
	const struct memory *memory = memory_of(store);
	size_t count = 0;

	(void)err;
	for (size_t i = memory->revisions.count; i-- > 0 && is_within(count, filter->limit);) {
		struct revision revision = *(const struct revision *)memory->revisions.items[i];

		if (!is_revision_asked_for(filter, revision.number))
			continue;
		count++;
		if (!filter->with_content) {
			revision.content = NULL;
			revision.length = 0;
		}
		if (!row(context, &revision))
			break;
	}
	return true;
}

bool memory_downtimes(struct store *store, size_t limit, store_downtime_fn *row, void *context,
		      struct err *err)
{
	const struct memory *memory = memory_of(store);
	size_t count = 0;

	(void)err;
	for (size_t i = memory->downtimes.count; i-- > 0 && is_within(count, limit); count++)
		if (!row(context, memory->downtimes.items[i]))
			break;
	return true;
}

/* ---- how a job has been doing ---- */

/* Runs arrive newest first. */
struct summing {
	struct job_summary *summary;
	struct arena *arena;
	bool has_failures_ended;
};

static bool sum_run(void *context, const struct run *run)
{
	struct summing *summing = context;
	struct job_summary *summary = summing->summary;

	if (run->dry_run)
		return true;
	if (summary->last.id == 0)
		memory_keep_run(summing->arena, &summary->last, run);
	if (run->state != RUN_FINISHED)
		return true;
	summary->runs[run->outcome]++;
	if (store_ends_failures(run->outcome) && !summing->has_failures_ended) {
		summary->last_success_at = run->finished_at;
		summing->has_failures_ended = true;
	}
	if (store_is_failure(run->outcome) && !summing->has_failures_ended)
		summary->consecutive_failures++;
	return true;
}

static bool sum_occurrence(void *context, const struct occurrence *occurrence)
{
	struct job_summary *summary = context;

	switch (occurrence->state) {
	case OCCURRENCE_SKIPPED: summary->skipped += occurrence->count; break;
	case OCCURRENCE_MISSED: summary->missed += occurrence->count; break;
	case OCCURRENCE_RAN:
	case OCCURRENCE_STATE_COUNT: break;
	}
	return true;
}

bool memory_job_summary(struct store *store, const char *job, struct arena *arena,
			struct job_summary *summary, struct err *err)
{
	struct summing summing = {summary, arena, false};

	return memory_runs(store, &(struct run_filter){.job = job}, sum_run, &summing, err) &&
	       memory_occurrences(store, &(struct occurrence_filter){.job = job}, sum_occurrence,
				  summary, err);
}

/* ---- names ---- */

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool memory_job_names(struct store *store, struct arena *arena, const char *const **names,
		      size_t *count, struct err *err)
{
	const struct memory *memory = memory_of(store);
	size_t all = 0, kept = 0;
	const char **list =
		arena_array(arena, const char *, memory->runs.count + memory->occurrences.count);

	(void)err;
	for (size_t i = 0; i < memory->runs.count; i++)
		list[all++] = ((const struct run_entry *)memory->runs.items[i])->run.job;
	for (size_t i = 0; i < memory->occurrences.count; i++)
		list[all++] = ((const struct occurrence *)memory->occurrences.items[i])->job;
	qsort(list, all, sizeof(*list), by_name);
	for (size_t i = 0; i < all; i++)
		if (kept == 0 || strcmp(list[kept - 1], list[i]) != 0)
			list[kept++] = arena_text(arena, list[i]);
	*names = list;
	*count = kept;
	return true;
}

/* memory.c - the store that forgets: what comes in and what goes; see memory.h. */
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#include "memory_internal.h"

/* ---- sorted lists ---- */

/* How an item's key compares with another item's. */
typedef int order_fn(const void *a, const void *b);

/* True if an item with that key is there; *at is its place, or where it belongs. */
static bool list_find(const struct list *list, order_fn *order, const void *key, size_t *at)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int side = order(list->items[middle], key);

		if (side == 0) {
			*at = middle;
			return true;
		}
		if (side < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*at = low;
	return false;
}

void memory_list_insert(struct list *list, size_t at, void *item)
{
	if (list->count == list->capacity) {
		list->capacity = list->capacity ? list->capacity * 2 : 4;
		list->items = mem_resize(list->items, list->capacity * sizeof(void *));
	}
	memmove(&list->items[at + 1], &list->items[at], (list->count - at) * sizeof(void *));
	list->items[at] = item;
	list->count++;
}

static void list_remove(struct list *list, size_t at)
{
	list->count--;
	memmove(&list->items[at], &list->items[at + 1], (list->count - at) * sizeof(void *));
}

static int compare(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int run_order(const void *a, const void *b)
{
	const struct run_entry *x = a, *y = b;

	return (x->run.id > y->run.id) - (x->run.id < y->run.id);
}

static int attempt_order(const void *a, const void *b)
{
	const struct attempt *x = a, *y = b;

	return compare(x->number, y->number);
}

static int log_order(const void *a, const void *b)
{
	const struct log_chunk *x = a, *y = b;

	return x->attempt != y->attempt ? compare(x->attempt, y->attempt)
					: compare(x->position, y->position);
}

static int downtime_order(const void *a, const void *b)
{
	const struct downtime *x = a, *y = b;
	int side = compare(x->until.ms, y->until.ms);

	return side ? side : compare(x->since.ms, y->since.ms);
}

static int occurrence_order(const void *a, const void *b)
{
	const struct occurrence *x = a, *y = b;
	int side = strcmp(x->job, y->job);

	if (side == 0)
		side = compare(x->scheduled_at.ms, y->scheduled_at.ms);
	return side ? side : compare(x->epoch, y->epoch);
}

static int revision_order(const void *a, const void *b)
{
	const struct revision *x = a, *y = b;

	return compare(x->number, y->number);
}

static int pause_order(const void *a, const void *b)
{
	const struct pause *x = a, *y = b;

	return strcmp(x->job, y->job);
}

/* ---- texts: owned here, const for everybody else ---- */

static const char *own_bytes(const char *data, size_t length)
{
	char *copy = mem_alloc(length + 1);

	if (length)
		memcpy(copy, data, length);
	return copy;
}

static void destroy_run(struct run_entry *entry)
{
	for (size_t i = 0; i < entry->attempts.count; i++) {
		struct attempt *attempt = entry->attempts.items[i];

		mem_disown(attempt->message);
		free(attempt);
	}
	for (size_t i = 0; i < entry->log.count; i++) {
		struct log_chunk *chunk = entry->log.items[i];

		mem_disown(chunk->data);
		free(chunk);
	}
	free(entry->attempts.items);
	free(entry->log.items);
	mem_disown(entry->run.job);
	mem_disown(entry->run.message);
	mem_disown(entry->run.image);
	free(entry);
}

static void destroy_occurrence(struct occurrence *occurrence)
{
	mem_disown(occurrence->job);
	free(occurrence);
}

static void destroy_revision(struct revision *revision)
{
	mem_disown(revision->hash);
	mem_disown(revision->author);
	mem_disown(revision->source);
	mem_disown(revision->message);
	mem_disown(revision->changes);
	mem_disown(revision->content);
	free(revision);
}

static void destroy_pause(struct pause *pause)
{
	mem_disown(pause->job);
	mem_disown(pause->reason);
	mem_disown(pause->by);
	free(pause);
}

/* ---- records ---- */

struct run_entry *memory_find_run(const struct memory *memory, uint64_t id)
{
	struct run_entry key = {.run.id = id};
	size_t at;

	return list_find(&memory->runs, run_order, &key, &at) ? memory->runs.items[at] : NULL;
}

static void add_occurrence(struct memory *memory, size_t at, const struct occurrence *occurrence)
{
	struct occurrence *copy = mem_alloc(sizeof(*copy));

	*copy = *occurrence;
	copy->job = mem_own(occurrence->job);
	memory_list_insert(&memory->occurrences, at, copy);
}

/* Whether it is decided as part of a stretch: the row before it reaches so far. */
static bool is_covered(const struct memory *memory, const struct occurrence *occurrence)
{
	struct occurrence key = *occurrence;
	const struct occurrence *before;
	size_t at;

	key.epoch = INT32_MIN; /* before it in any epoch */
	list_find(&memory->occurrences, occurrence_order, &key, &at);
	before = at > 0 ? memory->occurrences.items[at - 1] : NULL;
	return before && strcmp(before->job, occurrence->job) == 0 &&
	       before->epoch == occurrence->epoch &&
	       before->last_at.ms >= occurrence->scheduled_at.ms;
}

/* An instant alone; `at` is where it is, or belongs. */
static bool is_decided(const struct memory *memory, const struct occurrence *occurrence, size_t *at)
{
	return list_find(&memory->occurrences, occurrence_order, occurrence, at) ||
	       (occurrence->count == 1 && is_covered(memory, occurrence));
}

static void apply_occurrence(struct memory *memory, struct record *record)
{
	size_t at;

	record->lost = is_decided(memory, &record->occurrence, &at);
	if (!record->lost) {
		add_occurrence(memory, at, &record->occurrence);
		return;
	}
	/* Only its first instant is there: the rest has the key behind it. */
	struct occurrence rest = record->occurrence;
	rest.scheduled_at = utc_add(rest.scheduled_at, 1);
	if (memory->store.lease && --rest.count > 0 && !is_decided(memory, &rest, &at))
		add_occurrence(memory, at, &rest);
}

bool memory_has_occurrence(const struct memory *memory, const struct occurrence *occurrence)
{
	size_t at;

	return list_find(&memory->occurrences, occurrence_order, occurrence, &at);
}

static struct run_entry *add_run(struct memory *memory, const struct run *run)
{
	struct run_entry *entry = mem_alloc(sizeof(*entry));
	size_t at;

	entry->run = *run;
	entry->run.job = mem_own(run->job);
	entry->run.message = mem_own(run->message);
	entry->run.image = mem_own(run->image);
	list_find(&memory->runs, run_order, entry, &at);
	memory_list_insert(&memory->runs, at, entry);
	return entry;
}

/* Another node holds an open run of the job, and that forbids this one. */
static void skip(struct memory *memory, struct occurrence *occurrence, size_t at)
{
	occurrence->state = OCCURRENCE_SKIPPED;
	occurrence->reason = REASON_OVERLAP;
	occurrence->run = 0;
	add_occurrence(memory, at, occurrence);
}

/* In a shared store a claim that is there, and this node's own, is not lost. */
static bool is_lost(const struct memory *memory, const struct run_entry *known)
{
	const struct lease *lease = memory->store.lease;

	return known && (!lease || known->node != lease->node || known->is_handed);
}

static void apply_claim(struct memory *memory, struct record *record)
{
	const struct run *run = &record->run;
	bool is_scheduled = utc_is_set(run->scheduled_at);
	struct occurrence occurrence = {
		.job = run->job,
		.scheduled_at = run->scheduled_at,
		.epoch = run->epoch,
		.state = OCCURRENCE_RAN,
		.run = run->id,
		.last_at = run->scheduled_at,
		.count = 1,
		.recorded_at = run->claimed_at,
	};
	size_t at = 0;

	if (run->id > memory->last_run)
		memory->last_run = run->id;
	const struct run_entry *known = memory_find_run(memory, run->id);

	record->lost = is_lost(memory, known) ||
		       (!known && is_scheduled && is_decided(memory, &occurrence, &at));
	if (record->lost || known)
		return;
	uint8_t node = 0;
	enum assignment assignment = memory_assign(memory, record, &node);
	record->lost = assignment != ASSIGNED;
	if (assignment == ASSIGNED_NOBODY) {
		if (is_scheduled)
			skip(memory, &occurrence, at);
		return;
	}
	if (is_scheduled)
		add_occurrence(memory, at, &occurrence);
	struct run_entry *entry = add_run(memory, run);
	entry->node = node;
	entry->is_handed = assignment == ASSIGNED_OTHER;
	memory_opened(memory, entry);
}

/* What a run is, job and occurrence and why, never changes; how it goes does. */
static void apply_run(struct memory *memory, struct record *record)
{
	struct run_entry *entry = memory_find_run(memory, record->run.id);
	const struct run *is = &record->run;

	if (!entry || entry->run.state == RUN_FINISHED)
		return;
	struct run was = entry->run;

	entry->run = *is;
	entry->run.job = was.job;
	entry->run.executor = was.executor;
	entry->run.trigger = was.trigger;
	entry->run.scheduled_at = was.scheduled_at;
	entry->run.jitter_ms = was.jitter_ms;
	entry->run.epoch = was.epoch;
	entry->run.revision = was.revision;
	entry->run.dry_run = was.dry_run;
	entry->run.claimed_at = was.claimed_at;
	entry->run.message = mem_own(is->message);
	entry->run.image = mem_own(is->image);
	mem_disown(was.message);
	mem_disown(was.image);
	if (is->state == RUN_BACKOFF)
		entry->is_torn = false; /* the next attempt is this node's own */
	if (is->state == RUN_FINISHED)
		memory_closed(memory, entry);
}

static void apply_attempt(struct memory *memory, struct record *record)
{
	struct run_entry *entry = memory_find_run(memory, record->attempt.run);
	size_t at;

	if (!entry || list_find(&entry->attempts, attempt_order, &record->attempt, &at))
		return;
	struct attempt *copy = mem_alloc(sizeof(*copy));
	*copy = record->attempt;
	copy->message = mem_own(copy->message);
	memory_list_insert(&entry->attempts, at, copy);
}

static void apply_log(struct memory *memory, struct record *record)
{
	struct run_entry *entry = memory_find_run(memory, record->log.run);
	size_t at;

	if (!entry || list_find(&entry->log, log_order, &record->log, &at))
		return;
	struct log_chunk *copy = mem_alloc(sizeof(*copy));
	*copy = record->log;
	copy->data = own_bytes(copy->data, copy->length);
	memory_list_insert(&entry->log, at, copy);
}

static void apply_left(struct memory *memory, struct record *record)
{
	memory->left_at = record->left_at;
}

/* The end of a life is told once the next one has begun. */
static void apply_downtime(struct memory *memory, struct record *record)
{
	struct list *list = &memory->downtimes;
	size_t at;

	if (record->downtime.kind == ABSENCE_DOWN)
		memory->left_at = UTC_NONE;
	if (list_find(list, downtime_order, &record->downtime, &at))
		return;
	struct downtime *copy = mem_alloc(sizeof(*copy));
	*copy = record->downtime;
	memory_list_insert(list, at, copy);
	if (list->count > STORE_DOWNTIMES_MAX) {
		free(list->items[0]);
		list_remove(list, 0);
	}
}

static void apply_revision(struct memory *memory, struct record *record)
{
	size_t at;

	record->lost = list_find(&memory->revisions, revision_order, &record->revision, &at);
	if (record->lost)
		return;
	struct revision *copy = mem_alloc(sizeof(*copy));
	*copy = record->revision;
	copy->hash = mem_own(copy->hash);
	copy->author = mem_own(copy->author);
	copy->source = mem_own(copy->source);
	copy->message = mem_own(copy->message);
	copy->changes = mem_own(copy->changes);
	copy->content = own_bytes(copy->content, copy->length);
	memory_list_insert(&memory->revisions, at, copy);
	memory_moved(memory, record);
}

static void apply_evaluated(struct memory *memory, struct record *record)
{
	/* Others may have gone further already. */
	bool is_ahead = memory->store.lease && record->kind == RECORD_EVALUATED &&
			utc_is_set(memory->evaluated_until) &&
			memory->evaluated_until.ms > record->evaluated.until.ms;

	if (!is_ahead)
		memory->evaluated_until = record->evaluated.until;
	memory->epoch = record->evaluated.epoch;
}

static void apply_epoch(struct memory *memory, struct record *record)
{
	apply_evaluated(memory, record);
	memory->fixed_until = record->evaluated.fixed_until;
	memory_moved(memory, record);
}

static void remove_pause(struct memory *memory, size_t at)
{
	destroy_pause(memory->pauses.items[at]);
	list_remove(&memory->pauses, at);
}

static void add_pause(struct memory *memory, size_t at, const struct pause *pause)
{
	struct pause *copy = mem_alloc(sizeof(*copy));

	*copy = *pause;
	copy->job = mem_own(pause->job);
	copy->reason = mem_own(pause->reason);
	copy->by = mem_own(pause->by);
	memory_list_insert(&memory->pauses, at, copy);
}

static void apply_pause(struct memory *memory, struct record *record)
{
	size_t at;

	if (list_find(&memory->pauses, pause_order, &record->pause, &at))
		remove_pause(memory, at);
	add_pause(memory, at, &record->pause);
}

static void apply_resume(struct memory *memory, struct record *record)
{
	size_t at;

	if (list_find(&memory->pauses, pause_order, &record->pause, &at))
		remove_pause(memory, at);
}

static void rename_runs(struct memory *memory, const char *from, const char *to)
{
	for (size_t i = 0; i < memory->runs.count; i++) {
		struct run_entry *entry = memory->runs.items[i];

		if (strcmp(entry->run.job, from) != 0)
			continue;
		mem_disown(entry->run.job);
		entry->run.job = mem_own(to);
	}
}

/* The first one of the job, or where it would be. */
static size_t first_occurrence(const struct memory *memory, const char *job)
{
	struct occurrence key = {.job = job, .scheduled_at = {INT64_MIN}, .epoch = INT32_MIN};
	size_t at;

	list_find(&memory->occurrences, occurrence_order, &key, &at);
	return at;
}

static void rename_occurrences(struct memory *memory, const char *from, const char *to)
{
	struct list *list = &memory->occurrences;
	size_t at = first_occurrence(memory, from), there;

	while (at < list->count) {
		struct occurrence *occurrence = list->items[at];

		if (strcmp(occurrence->job, from) != 0)
			break;
		list_remove(list, at);
		struct occurrence renamed = *occurrence;
		renamed.job = to;
		if (!list_find(list, occurrence_order, &renamed, &there))
			add_occurrence(memory, there, &renamed);
		destroy_occurrence(occurrence);
		at = first_occurrence(memory, from);
	}
}

static void rename_pause(struct memory *memory, const char *from, const char *to)
{
	struct pause key = {.job = from};
	size_t at, there;

	if (!list_find(&memory->pauses, pause_order, &key, &at))
		return;
	struct pause renamed = *(const struct pause *)memory->pauses.items[at];
	renamed.job = to;
	if (!list_find(&memory->pauses, pause_order, &renamed, &there))
		add_pause(memory, there, &renamed);
	list_find(&memory->pauses, pause_order, &key, &at);
	remove_pause(memory, at);
}

static void apply_rename(struct memory *memory, struct record *record)
{
	const char *from = record->rename.from, *to = record->rename.to;

	rename_runs(memory, from, to);
	rename_occurrences(memory, from, to);
	rename_pause(memory, from, to);
}

static void apply_token(struct memory *memory, struct record *record)
{
	memory_write_token(memory, record);
}

static void apply_audit(struct memory *memory, struct record *record)
{
	memory_write_audit(memory, record);
}

typedef void apply_fn(struct memory *memory, struct record *record);

static apply_fn *const appliers[] = {
	[RECORD_CLAIM] = apply_claim,
	[RECORD_RUN] = apply_run,
	[RECORD_ATTEMPT] = apply_attempt,
	[RECORD_OCCURRENCE] = apply_occurrence,
	[RECORD_LOG] = apply_log,
	[RECORD_DOWNTIME] = apply_downtime,
	[RECORD_LEFT] = apply_left,
	[RECORD_REVISION] = apply_revision,
	[RECORD_EVALUATED] = apply_evaluated,
	[RECORD_EPOCH] = apply_epoch,
	[RECORD_TOKEN] = apply_token,
	[RECORD_AUDIT] = apply_audit,
	[RECORD_PAUSE] = apply_pause,
	[RECORD_RESUME] = apply_resume,
	[RECORD_RENAME] = apply_rename,
};

/* No record can fail here, so a batch cannot fail halfway. */
static bool apply(struct store *store, struct record *records, size_t count, struct err *err)
{
	struct memory *memory = memory_of(store);

	if (store->lease && !memory_admit(memory, records, count, err))
		return false;
	for (size_t i = 0; i < count; i++)
		appliers[records[i].kind](memory, &records[i]);
	if (store->lease)
		memory_answer(memory);
	return true;
}

/* ---- retention ---- */

static void remove_run(struct memory *memory, const struct run_entry *entry)
{
	struct occurrence key = {.job = entry->run.job,
				 .scheduled_at = entry->run.scheduled_at,
				 .epoch = entry->run.epoch};
	struct list *occurrences = &memory->occurrences;
	size_t at;

	if (list_find(occurrences, occurrence_order, &key, &at) &&
	    ((struct occurrence *)occurrences->items[at])->run == entry->run.id) {
		destroy_occurrence(occurrences->items[at]);
		list_remove(occurrences, at);
	}
	if (list_find(&memory->runs, run_order, entry, &at)) {
		destroy_run(memory->runs.items[at]);
		list_remove(&memory->runs, at);
	}
}

static bool is_finished_of(const struct run_entry *entry, const char *job)
{
	return entry->run.state == RUN_FINISHED && strcmp(entry->run.job, job) == 0;
}

/* The finished run of the job that ended first before `before`. */
static struct run_entry *oldest_end(const struct memory *memory, const char *job, struct utc before)
{
	struct run_entry *oldest = NULL;

	for (size_t i = 0; i < memory->runs.count; i++) {
		struct run_entry *entry = memory->runs.items[i];

		if (is_finished_of(entry, job) && entry->run.finished_at.ms < before.ms &&
		    (!oldest || entry->run.finished_at.ms < oldest->run.finished_at.ms))
			oldest = entry;
	}
	return oldest;
}

/* The first finished run of the job, where there are more than `keep`. */
static struct run_entry *beyond(const struct memory *memory, const char *job, int64_t keep)
{
	struct run_entry *first = NULL;
	int64_t count = 0;

	for (size_t i = memory->runs.count; i-- > 0;) {
		struct run_entry *entry = memory->runs.items[i];

		if (is_finished_of(entry, job)) {
			first = entry;
			count++;
		}
	}
	return count > keep ? first : NULL;
}

static void remove_old_unrun(struct memory *memory, const char *job, struct utc before)
{
	struct list *list = &memory->occurrences;
	size_t removed = 0;

	for (size_t i = 0; i < list->count && removed < STORE_PRUNE_UNRUN_MAX;) {
		struct occurrence *occurrence = list->items[i];

		if (occurrence->state == OCCURRENCE_RAN || strcmp(occurrence->job, job) != 0 ||
		    occurrence->last_at.ms >= before.ms) {
			i++;
			continue;
		}
		destroy_occurrence(occurrence);
		list_remove(list, i);
		removed++;
	}
}

static bool prune(struct store *store, const char *job, struct utc before, int64_t keep,
		  size_t batch, size_t *removed, struct err *err)
{
	struct memory *memory = memory_of(store);
	struct run_entry *entry;

	(void)err;
	while (*removed < batch &&
	       ((entry = oldest_end(memory, job, before)) || (entry = beyond(memory, job, keep)))) {
		remove_run(memory, entry);
		++*removed;
	}
	remove_old_unrun(memory, job, before);
	return true;
}

/* ---- the store ---- */

static bool is_writable(struct store *store, struct err *err)
{
	(void)store;
	(void)err;
	return true;
}

static void close_store(struct store *store)
{
	struct memory *memory = memory_of(store);

	for (size_t i = 0; i < memory->downtimes.count; i++)
		free(memory->downtimes.items[i]);
	free(memory->downtimes.items);
	for (size_t i = 0; i < memory->runs.count; i++)
		destroy_run(memory->runs.items[i]);
	for (size_t i = 0; i < memory->occurrences.count; i++)
		destroy_occurrence(memory->occurrences.items[i]);
	for (size_t i = 0; i < memory->revisions.count; i++)
		destroy_revision(memory->revisions.items[i]);
	for (size_t i = 0; i < memory->pauses.count; i++)
		destroy_pause(memory->pauses.items[i]);
	free(memory->pauses.items);
	memory_lease_finish(memory);
	free(memory->runs.items);
	free(memory->occurrences.items);
	free(memory->revisions.items);
	memory_finish_access(memory);
	free(memory);
}

static const struct store_ops ops = {
	.close = close_store,
	.apply = apply,
	.load = memory_load,
	.runs = memory_runs,
	.attempts = memory_attempts,
	.log = memory_log,
	.occurrences = memory_occurrences,
	.revisions = memory_revisions,
	.tokens = memory_tokens,
	.audits = memory_audits,
	.downtimes = memory_downtimes,
	.job_summary = memory_job_summary,
	.prune = prune,
	.job_names = memory_job_names,
	.is_writable = is_writable,
	.join = memory_join,
	.renew = memory_renew,
	.take_over = memory_take_over,
	.take_handed = memory_take_handed,
};

struct store *memory_create(void)
{
	struct memory *memory = mem_alloc(sizeof(*memory));

	memory->store.ops = &ops;
	memory->left_at = UTC_NONE;
	memory->evaluated_until = memory->fixed_until = UTC_NONE;
	return &memory->store;
}

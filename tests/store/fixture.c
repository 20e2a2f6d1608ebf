/* fixture.c - see fixture.h. */
#include "fixture.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- records in ---- */

void apply(struct store *store, struct record *records, size_t count)
{
	struct err err = {""};

	if (!store_apply(store, records, count, &err))
		fail_msg("%s", err.text);
}

bool is_lost(struct store *store, struct record record)
{
	apply(store, &record, 1);
	return record.lost;
}

void run_through(struct store *store, uint64_t id, const char *job, int64_t at,
		 enum outcome outcome)
{
	APPLY(store, claim_record(id, job, at), end_record(id, job, outcome, at + 1));
}

/* ---- answers ---- */

static bool add_id(void *context, const struct run *run)
{
	struct buf *text = context;

	buf_format(text, "%s%" PRIu64, text->length ? " " : "", run->id);
	return true;
}

const char *run_ids(struct store *store, const struct run_filter *filter)
{
	static char text[1024];
	struct buf list = {0};
	struct err err;

	assert_true(store_runs(store, filter, add_id, &list, &err));
	assert_in_range(list.length, 0, sizeof(text) - 1);
	strcpy(text, buf_string(&list));
	buf_finish(&list);
	return text;
}

struct getting {
	struct arena *arena;
	struct run run;
};

static bool copy_run(void *context, const struct run *run)
{
	struct getting *getting = context;

	getting->run = *run;
	getting->run.job = arena_text(getting->arena, run->job);
	if (run->message)
		getting->run.message = arena_text(getting->arena, run->message);
	return true;
}

struct run get_run(struct store *store, struct arena *arena, uint64_t id)
{
	struct getting getting = {.arena = arena};
	struct err err;

	assert_true(store_runs(store, &(struct run_filter){.id = id}, copy_run, &getting, &err));
	assert_int_equal(getting.run.id, id);
	return getting.run;
}

static bool count_run(void *context, const struct run *run)
{
	size_t *count = context;

	(void)run;
	++*count;
	return true;
}

size_t count_runs(struct store *store)
{
	size_t count = 0;
	struct err err;

	assert_true(store_runs(store, &(struct run_filter){0}, count_run, &count, &err));
	return count;
}

struct store_state load(struct store *store, struct arena *arena)
{
	struct store_state state;
	struct err err = {""};

	if (!store_load(store, arena, &state, &err))
		fail_msg("%s", err.text);
	return state;
}

/* ---- everything as text ---- */

static const char *or_null(const char *text)
{
	return text ? text : "(null)";
}

void dump_run(struct buf *text, const struct run *r)
{
	buf_format(text, "run %" PRIu64 " %s %s %s %" PRId64 " %d %" PRId64 " %d", r->id, r->job,
		   executor_kind_word(r->executor), trigger_word(r->trigger), r->scheduled_at.ms,
		   r->epoch, r->revision, r->dry_run);
	buf_format(text, " %s %s %d %" PRId64 " %" PRId64 " %" PRId64, run_state_word(r->state),
		   outcome_word(r->outcome), r->attempt, r->claimed_at.ms, r->started_at.ms,
		   r->finished_at.ms);
	buf_format(text, " +%" PRId64, r->jitter_ms);
	buf_format(text, " %d %d %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %s\n",
		   r->exit_code, r->signal, r->processed, r->failed, r->output_bytes, r->cpu_ms,
		   r->max_rss_kib, or_null(r->message));
}

void dump_occurrence(struct buf *text, const struct occurrence *o)
{
	buf_format(text,
		   "occurrence %s %" PRId64 " %d %s %s %" PRIu64 " %" PRId64 " %" PRId64 " %" PRId64
		   "\n",
		   o->job, o->scheduled_at.ms, o->epoch, occurrence_state_word(o->state),
		   reason_word(o->reason), o->run, o->last_at.ms, o->count, o->recorded_at.ms);
}

static bool add_attempt(void *context, const struct attempt *a)
{
	buf_format(context, "attempt %" PRIu64 " %d %s %" PRId64 " %" PRId64 " %d %d %s\n", a->run,
		   a->number, outcome_word(a->outcome), a->started_at.ms, a->finished_at.ms,
		   a->exit_code, a->signal, or_null(a->message));
	return true;
}

static bool add_log(void *context, const struct log_chunk *c)
{
	buf_format(context, "log %" PRIu64 " %d %" PRId64 " %s %" PRId64 " ", c->run, c->attempt,
		   c->position, stream_word(c->stream), c->at.ms);
	buf_json_string(context, c->data, c->length);
	buf_char(context, '\n');
	return true;
}

struct dumping {
	struct store *store;
	struct buf *text;
};

/* Asks the store from within its own answer, as the API does. */
static bool add_run(void *context, const struct run *run)
{
	struct dumping *dumping = context;
	struct err err;

	dump_run(dumping->text, run);
	assert_true(store_attempts(dumping->store, run->id, add_attempt, dumping->text, &err));
	assert_true(store_log(dumping->store,
			      &(struct log_filter){.run = run->id, .after_position = -1}, add_log,
			      dumping->text, &err));
	return true;
}

static bool add_occurrence(void *context, const struct occurrence *occurrence)
{
	dump_occurrence(context, occurrence);
	return true;
}

static bool add_revision(void *context, const struct revision *r)
{
	buf_format(context, "revision %" PRId64 " %" PRId64 " %s %s %s %s %s ", r->number,
		   r->applied_at.ms, or_null(r->hash), or_null(r->author), or_null(r->source),
		   or_null(r->message), or_null(r->changes));
	buf_json_string(context, r->content, r->length);
	buf_char(context, '\n');
	return true;
}

static bool add_downtime(void *context, const struct downtime *d)
{
	const struct downtime_counts *c = &d->counts;

	buf_format(context, "downtime %s %" PRId64 " %" PRId64 " %d", absence_word(d->kind),
		   d->since.ms, d->until.ms, d->is_exact);
	buf_format(context, " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64,
		   c->caught_up, c->skipped, c->missed, c->too_old, c->superseded);
	buf_format(context, " %" PRId64 " %" PRId64 "\n", c->not_wanted, c->window_ms);
	return true;
}

static void add_summary(struct store *store, struct arena *arena, const char *job, struct buf *text)
{
	struct job_summary summary;
	struct err err;

	assert_true(store_job_summary(store, job, arena, &summary, &err));
	buf_format(text, "job %s: %" PRId64 " %d %" PRId64 " %" PRId64, job,
		   summary.last_success_at.ms, summary.consecutive_failures, summary.skipped,
		   summary.missed);
	for (int i = 0; i < OUTCOME_COUNT; i++)
		buf_format(text, " %" PRId64, summary.runs[i]);
	buf_text(text, "\n last ");
	if (summary.last.id)
		dump_run(text, &summary.last);
	else
		buf_text(text, "none\n");
}

static void dump_pause(struct buf *text, const struct pause *p)
{
	buf_format(text, "pause %s %" PRId64 " %" PRId64 " %s %s\n", p->job, p->since.ms,
		   p->until.ms, or_null(p->reason), or_null(p->by));
}

static void add_state(struct store *store, struct arena *arena, struct buf *text)
{
	struct store_state state = load(store, arena);

	buf_format(text, "fixed until %" PRId64 " left %" PRId64 " seen %" PRId64 "\n",
		   state.fixed_until.ms, state.left_at.ms, state.seen_at.ms);
	buf_format(text, "state %" PRId64 " %d %" PRIu64 "\n", state.evaluated_until.ms,
		   state.epoch, state.last_run);
	for (size_t i = 0; i < state.open_count; i++)
		dump_run(text, &state.open_runs[i]);
	for (size_t i = 0; i < state.pause_count; i++)
		dump_pause(text, &state.pauses[i]);
	if (state.revision.number)
		add_revision(text, &state.revision);
}

void dump(struct store *store, struct buf *text)
{
	struct arena arena = {0};
	const char *const *names;
	size_t count;
	struct err err;

	add_state(store, &arena, text);
	assert_true(store_runs(store, &(struct run_filter){0}, add_run,
			       &(struct dumping){store, text}, &err));
	assert_true(store_occurrences(store, &(struct occurrence_filter){0}, add_occurrence, text,
				      &err));
	assert_true(store_revisions(store, &(struct revision_filter){.with_content = true},
				    add_revision, text, &err));
	assert_true(store_downtimes(store, 0, add_downtime, text, &err));
	assert_true(store_job_names(store, &arena, &names, &count, &err));
	for (size_t i = 0; i < count; i++)
		add_summary(store, &arena, names[i], text);
	arena_finish(&arena);
}

/* ---- places ---- */

char *path_of(const char *directory, const char *name)
{
	struct buf path = {0};

	buf_format(&path, "%s/%s", directory, name);
	return path.data;
}

char *make_directory(void)
{
	const char *parent = getenv("TMPDIR");
	char *directory = path_of(parent ? parent : "/tmp", "belfry-store-XXXXXX");

	assert_non_null(mkdtemp(directory));
	return directory;
}

void remove_directory(char *directory)
{
	DIR *list = opendir(directory);

	for (struct dirent *entry; list && (entry = readdir(list));) {
		char *path = path_of(directory, entry->d_name);

		unlink(path); /* . and .. refuse */
		free(path);
	}
	closedir(list);
	assert_int_equal(rmdir(directory), 0);
	free(directory);
}

struct store *open_in(const char *directory)
{
	struct err err = {""};
	struct buf location = {0};

	buf_format(&location, "sqlite:%s", directory);
	struct store *store = store_open(buf_string(&location), &err);
	buf_finish(&location);
	if (!store)
		fail_msg("%s", err.text);
	return store;
}

const char *refusal_in(const char *directory)
{
	static struct err err;
	struct buf location = {0};

	buf_format(&location, "sqlite:%s", directory);
	assert_null(store_open(buf_string(&location), &err));
	buf_finish(&location);
	return err.text;
}

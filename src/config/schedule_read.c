/*
 * schedule_read.c - a job's schedule, with all around it, parsed; what is wrong is
 * told at its very place, in the expression and in the file.
 */
#include <stdio.h>
#include <string.h>

#include "loader.h"
#include "str.h"

enum { ERRORS_MAX = 16 };

/* Which key each part of a schedule is written under. */
static enum key key_of_part(enum schedule_part part)
{
	switch (part) {
	case SCHEDULE_TEXT: return KEY_SCHEDULE;
	case SCHEDULE_START: return KEY_START;
	case SCHEDULE_END: return KEY_END;
	case SCHEDULE_EXCEPT: return KEY_EXCEPT;
	case SCHEDULE_EVERY: return KEY_EVERY;
	case SCHEDULE_AT: return KEY_AT;
	case SCHEDULE_MONTH: return KEY_MONTH;
	case SCHEDULE_DAY: return KEY_DAY;
	case SCHEDULE_WEEKDAY: return KEY_WEEKDAY;
	case SCHEDULE_TIME: return KEY_TIME;
	case SCHEDULE_MINUTE: return KEY_MINUTE;
	}
	return KEY_SCHEDULE;
}

/* To item `index` of the list at the reader; false where there is none. */
static bool go_to_item(struct json_reader *r, size_t index)
{
	json_open(r);
	for (size_t i = 0; json_next_item(r); i++) {
		if (i == index)
			return true;
		json_skip(r);
	}
	return false;
}

struct located {
	struct about about;
	struct buf path;
};

/* The bytes column..column+length of the string at `at`, where they are in the file. */
static void point_into(struct loader *l, const struct schedule_error *error, size_t at,
		       struct about *about)
{
	struct json_piece piece;
	size_t first = error->column ? error->column - 1 : 0;

	l->json.at = at;
	json_take_string(&l->json, &piece);
	size_t begin = json_piece_offset(&l->json, piece, first);
	size_t end = json_piece_offset(&l->json, piece, first + error->length);
	about->at = begin;
	about->length = end - begin;
	if (error->part == SCHEDULE_TEXT) {
		about->excerpt = json_piece_text(&l->json, piece, &l->scratch, NULL);
		about->excerpt_column = error->column;
	}
}

/* Where the error's key, and in it the item and the piece, stands. */
static void locate(struct loader *l, const struct draft *d, const struct schedule_error *error,
		   struct located *located)
{
	struct json_reader *r = &l->json;
	enum key key = key_of_part(error->part);
	size_t back = r->at;
	unsigned depth = r->path.depth;

	if (!is_written(d, key))
		key = KEY_SCHEDULE;
	const struct spot *spot = &d->spots[key];
	located->about = (struct about){.at = spot->at, .length = spot->length, .job = l->job_name};
	buf_text(&located->path, path_of_key(l, d, key));
	r->at = spot->at;
	if (json_peek(r) == JSON_ARRAY && go_to_item(r, error->index)) {
		size_t at = r->at;
		buf_format(&located->path, "[%zu]", error->index);
		json_skip(r);
		located->about.at = at;
		located->about.length = r->at - at;
		r->at = at;
	}
	if (json_peek(r) == JSON_STRING && (key == key_of_part(error->part)))
		point_into(l, error, r->at, &located->about);
	located->about.path = buf_string(&located->path);
	r->path.depth = depth;
	r->at = back;
}

static void tell_error(struct loader *l, const struct draft *d, enum severity severity,
		       const struct schedule_error *error)
{
	enum key key = key_of_part(error->part);
	struct located located = {0};

	/* What is wrong in "defaults" is told once, not for each job. */
	if (d->spots[key].is_default) {
		if (l->is_told[key])
			return;
		l->is_told[key] = true;
	}
	locate(l, d, error, &located);
	if (d->spots[key].is_default)
		located.about.job = NULL;
	report_add(&l->report, severity, &located.about, "%s", error->message);
	buf_finish(&located.path);
}

static size_t parse_text(struct loader *l, struct draft *d, const struct schedule_context *context,
			 struct schedule_error errors[ERRORS_MAX])
{
	struct json_piece piece;
	size_t length;

	json_take_string(&l->json, &piece);
	const char *text = json_piece_text(&l->json, piece, &l->scratch, &length);
	d->job.schedule_text = intern_text(&l->texts, l->arena, text);
	bool is_shared = schedule_share_fits(text, context);
	d->job.schedule =
		is_shared ? schedule_share_find(&l->schedules, d->job.schedule_text, context->zone)
			  : NULL;
	if (d->job.schedule)
		return 0;
	size_t count = schedule_parse_cron(l->arena, text, length, context, &d->job.schedule,
					   errors, ERRORS_MAX);
	if (count == 0 && is_shared && length <= INTERN_LONGEST)
		schedule_share_add(&l->schedules, d->job.schedule_text, context->zone,
				   d->job.schedule);
	return count;
}

/* SIZE_MAX where the members themselves were wrong and told. */
static size_t parse_form(struct loader *l, struct draft *d, const struct schedule_context *context,
			 struct schedule_error errors[ERRORS_MAX])
{
	size_t at = l->json.at, told = l->report.findings->errors;
	struct buf json = {0};

	value_members(l, d, KEY_SCHEDULE);
	l->json.at = at;
	json_compact(&l->json, &json);
	d->job.schedule_text = intern_text(&l->texts, l->arena, buf_string(&json));
	buf_finish(&json);
	if (l->report.findings->errors > told)
		return SIZE_MAX;
	return schedule_parse_calendar(l->arena, &d->calendar, context, &d->job.schedule, errors,
				       ERRORS_MAX);
}

struct linting {
	struct loader *l;
	const struct draft *d;
};

static void tell_lint(void *context, const struct schedule_error *warning)
{
	const struct linting *linting = context;

	tell_error(linting->l, linting->d, SEVERITY_WARNING, warning);
}

/* A file that is in force has no job that can never be due again; what is disabled
 * may stand there as a memory. */
static void check_future(struct loader *l, const struct draft *d)
{
	const struct schedule *schedule = d->job.schedule;
	enum key key = is_written(d, KEY_AT) ? KEY_AT : is_own(d, KEY_END) ? KEY_END : KEY_SCHEDULE;
	struct utc next;

	if (schedule_is_reboot(schedule) || schedule_next_after(schedule, l->world->now, &next)) {
		struct linting linting = {l, d};
		schedule_lint(schedule, l->world->now, tell_lint, &linting);
		return;
	}
	if (d->job.enabled)
		tell_key(l, d, key, SEVERITY_ERROR,
			 "never fires again: its last date has passed; change the date, remove the "
			 "job, or write \"enabled\": false");
	else
		tell_key(l, d, key, SEVERITY_WARNING,
			 "never fires again: its last date has passed; the disabled job can be "
			 "removed");
}

static void hash_schedule(struct loader *l, struct draft *d)
{
	uint64_t value = json_hash_value(&l->json);
	struct job *job = &d->job;
	uint64_t hash = str_quick_hash(STR_HASH_INIT, &value, sizeof(value));

	d->around.schedule = hash_short(value);
	hash = str_quick_hash(hash, job->name ? job->name : "",
			      job->name ? strlen(job->name) + 1 : 1);
	hash = str_quick_hash(hash, job->timezone, strlen(job->timezone) + 1);
	hash = str_quick_hash(hash, d->start ? d->start : "", d->start ? strlen(d->start) + 1 : 1);
	hash = str_quick_hash(hash, d->end ? d->end : "", d->end ? strlen(d->end) + 1 : 1);
	for (size_t i = 0; i < d->except.count; i++)
		hash = str_quick_hash(hash, d->except.items[i], strlen(d->except.items[i]) + 1);
	job->schedule_hash = str_quick_hash(hash, &d->jitter_ms, sizeof(d->jitter_ms));
}

static bool parse(struct loader *l, struct draft *d, enum json_kind kind)
{
	struct schedule_error errors[ERRORS_MAX];
	struct schedule_context context = {.job_name = d->job.name,
					   .zone = d->zone,
					   .zones = &l->zones,
					   .start = d->start,
					   .end = d->end,
					   .except = d->except.items,
					   .except_count = d->except.count,
					   .jitter_ms = d->jitter_ms};
	struct visit visit = visit_key(l, d, KEY_SCHEDULE);
	size_t count = kind == JSON_STRING ? parse_text(l, d, &context, errors)
					   : parse_form(l, d, &context, errors);

	visit_leave(l, visit);
	if (count == SIZE_MAX)
		return false;
	for (size_t i = 0; i < count && i < ERRORS_MAX; i++)
		tell_error(l, d, SEVERITY_ERROR, &errors[i]);
	return count == 0;
}

void schedule_read(struct loader *l, struct draft *d)
{
	size_t back = l->json.at;

	if (!is_written(d, KEY_SCHEDULE))
		return;
	l->json.at = d->spots[KEY_SCHEDULE].at;
	enum json_kind kind = json_peek(&l->json);
	l->json.at = back;
	if ((kind != JSON_STRING && kind != JSON_OBJECT) || !parse(l, d, kind))
		return;
	d->job.timezone =
		intern_text(&l->texts, l->arena, zone_name(schedule_zone(d->job.schedule)));
	check_future(l, d);
	struct visit visit = visit_key(l, d, KEY_SCHEDULE);
	hash_schedule(l, d);
	visit_leave(l, visit);
}

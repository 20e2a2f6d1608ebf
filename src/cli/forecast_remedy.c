/* forecast_remedy.c - what would spread a pile-up; see forecast_remedy.h. */
#include "forecast_remedy.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "calendar_text.h"
#include "mem.h"
#include "shape.h"

enum { FIELDS_LEAST = 5, FIELDS_MOST = 7, HOUR_S = 3600 };

static const int64_t jitters_ms[] = {60000, 120000, 300000, 600000, 900000, 1800000};

/* ---- H ---- */

struct word {
	const char *at;
	size_t length;
};

static size_t split(const char *text, struct word words[FIELDS_MOST])
{
	size_t count = 0;

	for (text += strspn(text, " \t"); *text; text += strspn(text, " \t")) {
		size_t length = strcspn(text, " \t");

		if (count == FIELDS_MOST)
			return 0;
		words[count++] = (struct word){text, length};
		text += length;
	}
	return count;
}

static const char *of_macro(const char *text)
{
	static const char *const rows[][2] = {
		{"@hourly", "H * * * *"},   {"@daily", "H 0 * * *"},   {"@midnight", "H 0 * * *"},
		{"@weekly", "H 0 * * 0"},   {"@monthly", "H 0 1 * *"}, {"@yearly", "H 0 1 1 *"},
		{"@annually", "H 0 1 1 *"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcasecmp(text, rows[i][0]) == 0)
			return rows[i][1];
	return NULL;
}

/* "0,15,30,45" is a step of 15; 0 where the list is not even. */
static long even_step(const char *text)
{
	long count = 1, step = 0;

	for (const char *at = text; *at; at++)
		count += *at == ',';
	if (60 % count)
		return 0;
	step = 60 / count;
	for (long i = 0; i < count; i++) {
		char *end;

		if (*text < '0' || *text > '9' || strtol(text, &end, 10) != i * step)
			return 0;
		if (*end != (i == count - 1 ? '\0' : ','))
			return 0;
		text = end + 1;
	}
	return step;
}

static bool is_number(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

/* Of a minute field that names 0; NULL where there is none. */
static const char *of_minutes(struct arena *arena, const char *text)
{
	const char *slash = strchr(text, '/');
	long step = 0;

	if (slash && is_number(slash + 1) &&
	    (slash == text + 1 || strncmp(text, "0-59/", 5) == 0) && (*text == '*' || *text == '0'))
		step = strtol(slash + 1, NULL, 10);
	else if (!slash)
		step = even_step(text);
	/* A step that does not divide the hour would not mean the same. */
	if (step <= 1 || 60 % step)
		return NULL;
	return step == 60 ? "H" : arena_format(arena, "H/%ld", step);
}

static const char *join(struct arena *arena, const struct word *words, size_t count, size_t minute,
			const char *instead)
{
	struct buf out = {0};

	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_char(&out, ' ');
		if (i == minute)
			buf_text(&out, instead);
		else
			buf_add(&out, words[i].at, words[i].length);
	}
	const char *text = arena_text(arena, buf_string(&out));
	buf_finish(&out);
	return text;
}

static const char *of_expression(struct arena *arena, const char *text)
{
	struct word words[FIELDS_MOST];
	size_t count = split(text, words);

	if (count < FIELDS_LEAST)
		return *text == '@' ? of_macro(text) : NULL;
	size_t minute = count > FIELDS_LEAST;
	const char *field = arena_copy(arena, words[minute].at, words[minute].length);
	if (strcmp(field, "*") == 0) /* every minute: what can spread is the second */
		return count == FIELDS_LEAST ? arena_format(arena, "H %s", text)
		       : words[0].length == 1 && *words[0].at == '0'
			       ? join(arena, words, count, 0, "H")
			       : NULL;
	const char *with_h = of_minutes(arena, field);
	return with_h ? join(arena, words, count, minute, with_h) : NULL;
}

/* Behind "CRON_TZ=Zone ", which a job says with its timezone as well. */
static const char *without_zone(const char *text)
{
	text += strspn(text, " \t");
	if (strncasecmp(text, "CRON_TZ=", 8) != 0 && strncasecmp(text, "TZ=", 3) != 0)
		return text;
	text += strcspn(text, " \t");
	return text + strspn(text, " \t");
}

static const char *form_of(struct arena *arena, const struct forecast_job *job)
{
	struct buf equal = {0};
	const char *form = NULL;

	if (!calendar_text_is(job->text))
		return of_expression(arena, without_zone(job->text));
	if (schedule_equivalent(job->schedule, &equal))
		form = of_expression(arena, buf_string(&equal));
	buf_finish(&equal);
	return form;
}

const char *h_form(struct arena *arena, const struct forecast_job *job)
{
	const char *form = form_of(arena, job), *body = without_zone(job->text);

	if (!form || calendar_text_is(job->text))
		return form;
	return arena_format(arena, "%.*s%s", (int)(body - job->text), job->text, form);
}

/* ---- what becomes of it ---- */

struct trial {
	const struct forecast_question *question;
	struct arena *arena;
	struct forecast_job *jobs; /* all of them, some changed */
	size_t *members;           /* those that start in that second */
	size_t member_count;
	int64_t at_s;
};

static uint32_t peak_of(const struct trial *t)
{
	struct forecast_question question = {.jobs = t->jobs,
					     .job_count = t->question->job_count,
					     .from_s = t->at_s,
					     .to_s = t->at_s + HOUR_S,
					     .zone = t->question->zone,
					     .busiest_max = 1};
	struct forecast *then = mem_alloc(sizeof(*then));

	forecast_count(&question, then);
	uint32_t peak = then->busiest_count ? then->busiest[0].count : 0;
	free(then);
	return peak;
}

static void restore(struct trial *t)
{
	for (size_t i = 0; i < t->member_count; i++)
		t->jobs[t->members[i]] = t->question->jobs[t->members[i]];
}

static void note_respelling(struct pile_up *out, const char *from, const char *to)
{
	size_t i = 0;

	while (i < out->respelling_count && (strcmp(out->respellings[i].from, from) != 0 ||
					     strcmp(out->respellings[i].to, to) != 0))
		i++;
	if (i == out->respelling_count)
		out->respellings[out->respelling_count++] = (struct respelling){from, to, 0};
	out->respellings[i].job_count++;
	out->respelt++;
}

static int by_jobs(const void *a, const void *b)
{
	const struct respelling *x = a, *y = b;

	if (x->job_count != y->job_count)
		return x->job_count < y->job_count ? 1 : -1;
	return strcmp(x->from, y->from);
}

static void try_h(struct trial *t, struct pile_up *out)
{
	out->respellings = arena_array(t->arena, struct respelling, t->member_count + 1);
	for (size_t i = 0; i < t->member_count; i++) {
		struct forecast_job *job = &t->jobs[t->members[i]];
		int64_t jitter_ms = schedule_jitter_max_ms(job->schedule);
		const char *form = jitter_ms ? NULL : form_of(t->arena, job);
		const struct schedule *changed =
			form ? shape_changed(t->arena, job->schedule, job->name, form, 0) : NULL;

		if (!changed)
			continue;
		note_respelling(out, job->text, h_form(t->arena, job));
		job->schedule = changed;
	}
	qsort(out->respellings, out->respelling_count, sizeof(*out->respellings), by_jobs);
	out->peak_with_h = out->respelt ? peak_of(t) : out->at.count;
	/* What does not help is not offered. */
	if (out->peak_with_h >= out->at.count)
		out->respelling_count = out->respelt = 0;
	restore(t);
}

/* The shortest jitter that leaves a tenth of the peak, else the one that leaves least. */
static void try_jitter(struct trial *t, struct pile_up *out)
{
	uint32_t enough = out->at.count / 10 > 2 ? out->at.count / 10 : 2;
	size_t changed = 0;

	out->peak_with_jitter = out->at.count;
	for (size_t k = 0; k < sizeof(jitters_ms) / sizeof(jitters_ms[0]); k++) {
		for (size_t i = 0; i < t->member_count; i++) {
			const struct forecast_job *job = &t->question->jobs[t->members[i]];

			if (schedule_jitter_max_ms(job->schedule))
				continue;
			t->jobs[t->members[i]].schedule = shape_changed(
				t->arena, job->schedule, job->name, NULL, jitters_ms[k]);
			changed++;
		}
		uint32_t peak = changed ? peak_of(t) : out->at.count;
		if (peak < out->peak_with_jitter) {
			out->peak_with_jitter = peak;
			out->jitter_ms = jitters_ms[k];
		}
		restore(t);
		if (!changed || peak <= enough)
			return;
	}
}

static void find_members(struct trial *t, struct pile_up *out)
{
	t->member_count = 0;
	for (size_t i = 0; i < t->question->job_count; i++) {
		if (!forecast_starts_in(t->question->jobs[i].schedule, t->at_s))
			continue;
		if (t->member_count < PILE_UP_NAMES_MAX)
			out->names[t->member_count] = t->question->jobs[i].name;
		t->members[t->member_count++] = i;
	}
}

static int by_count(const void *a, const void *b)
{
	const struct forecast_second *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return x->at_s < y->at_s ? -1 : x->at_s > y->at_s;
}

size_t pile_ups_find(const struct forecast_question *question, const struct forecast *forecast,
		     struct arena *arena, struct pile_up out[PILE_UPS_MAX])
{
	struct forecast_second fullest[FORECAST_HOURS];
	size_t size = (question->job_count + 1) * sizeof(*question->jobs), count = 0;
	struct trial t = {.question = question, .arena = arena, .jobs = mem_alloc(size)};

	t.members = mem_alloc((question->job_count + 1) * sizeof(*t.members));
	if (question->job_count)
		memcpy(t.jobs, question->jobs, question->job_count * sizeof(*t.jobs));
	memcpy(fullest, forecast->fullest, sizeof(fullest));
	qsort(fullest, FORECAST_HOURS, sizeof(fullest[0]), by_count);
	for (; count < PILE_UPS_MAX && fullest[count].count >= PILE_UP_LEAST; count++) {
		out[count] = (struct pile_up){.at = fullest[count]};
		t.at_s = fullest[count].at_s;
		find_members(&t, &out[count]);
		try_h(&t, &out[count]);
		try_jitter(&t, &out[count]);
	}
	free(t.jobs);
	free(t.members);
	return count;
}

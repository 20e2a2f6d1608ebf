/* check.c - what only all jobs together show: names twice, crowds on one second. */
#include <stdlib.h>
#include <string.h>

#include "loader.h"

enum { CROWD = 100, CROWDS_TOLD = 3 };

/* By name, then in the order of the file. */
static int by_name(const void *a, const void *b)
{
	const struct job *x = *(const struct job *const *)a, *y = *(const struct job *const *)b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x > y) - (x < y);
}

void check_tell(struct loader *l, enum severity severity, const struct job *job, const char *member,
		const struct spot *spot, const char *message)
{
	const struct job_place *place = &l->places[job - l->jobs];
	struct buf path = {0};

	json_path_write(&l->json.path, l->json.text, &path);
	if (path.length || l->is_list)
		buf_format(&path, "[%zu].", place->index);
	buf_text(&path, member);
	struct about about = {.at = spot->at,
			      .length = spot->length,
			      .path = buf_string(&path),
			      .job = job->name};
	report_add(&l->report, severity, &about, "%s", message);
	buf_finish(&path);
}

static void tell_twin(struct loader *l, const struct job *first, const struct job *again)
{
	char name[SHOWN_MAX];

	shown(again->name, strlen(again->name), name);
	const char *message = arena_format(&l->scratch,
					   "another job is called \"%s\" already (line %u); names "
					   "are unique in a file",
					   name, first->line);
	check_tell(l, SEVERITY_ERROR, again, "name", &l->places[again - l->jobs].name, message);
}

static void check_names(struct loader *l, const struct job *const *sorted, size_t count)
{
	const struct job *first = count ? sorted[0] : NULL;

	for (size_t i = 1; i < count; i++) {
		if (strcmp(first->name, sorted[i]->name) == 0)
			tell_twin(l, first, sorted[i]);
		else
			first = sorted[i];
	}
}

struct due {
	int64_t at_ms;
	size_t job;
};

static int by_instant(const void *a, const void *b)
{
	const struct due *x = a, *y = b;

	if (x->at_ms != y->at_ms)
		return x->at_ms < y->at_ms ? -1 : 1;
	return (x->job > y->job) - (x->job < y->job);
}

/* The next start of each job that has one. */
static size_t collect_due(const struct loader *l, struct due *due)
{
	size_t count = 0;

	for (size_t i = 0; i < l->job_count; i++) {
		const struct schedule *schedule = l->jobs[i].schedule;
		struct utc next;

		if (!schedule || !l->jobs[i].enabled ||
		    !schedule_next_after(schedule, l->world->now, &next))
			continue;
		due[count++] = (struct due){next.ms + schedule_jitter_ms(schedule, next), i};
	}
	return count;
}

static void tell_crowd(struct loader *l, const struct due *due, size_t count)
{
	const struct job *job = &l->jobs[due->job];
	char instant[UTC_TEXT_MAX];
	const char *message = arena_format(
		&l->scratch,
		"%zu jobs start in the same second, %s, this one first; \"jitter\" or H in the "
		"expressions would spread them",
		count, utc_format((struct utc){due->at_ms}, instant));

	check_tell(l, SEVERITY_WARNING, job, "schedule", &l->places[due->job].schedule, message);
}

static void check_crowds(struct loader *l)
{
	struct due *due = mem_alloc((l->job_count + 1) * sizeof(*due));
	size_t count = collect_due(l, due), told = 0;

	qsort(due, count, sizeof(*due), by_instant);
	for (size_t i = 0, end; i < count && told < CROWDS_TOLD; i = end) {
		for (end = i + 1; end < count && due[end].at_ms / 1000 == due[i].at_ms / 1000;)
			end++;
		if (end - i <= CROWD)
			continue;
		tell_crowd(l, &due[i], end - i);
		told++;
	}
	free(due);
}

void check_jobs(struct loader *l, const struct job **sorted)
{
	size_t count = 0;

	arena_reset(&l->scratch);
	for (size_t i = 0; i < l->job_count; i++)
		if (l->jobs[i].name)
			sorted[count++] = &l->jobs[i];
	if (count)
		qsort(sorted, count, sizeof(struct job *), by_name);
	check_names(l, sorted, count);
	check_formers(l, sorted, count);
	check_groups(l);
	check_crowds(l);
}

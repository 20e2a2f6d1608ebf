/*
 * check_names.c - names that point across jobs: groups and their limits, and the names
 * that jobs had before.
 */
#include <stdlib.h>
#include <string.h>

#include "loader.h"

/* ---- groups ---- */

/* By group, then those that say the limit themselves, then in the order of the file. */
static int by_group(const void *a, const void *b)
{
	const struct job *x = *(struct job *const *)a, *y = *(struct job *const *)b;
	int order = strcmp(x->group, y->group);

	return order ? order : (x > y) - (x < y);
}

static bool says_limit(const struct loader *l, const struct job *job)
{
	const struct spot *spot = &l->places[job - l->jobs].group_limit;

	return spot->length > 0 && !spot->is_default;
}

/* The first one of the group that says its limit; else any, for the default is all's. */
static const struct job *who_says(const struct loader *l, struct job *const *jobs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (says_limit(l, jobs[i]))
			return jobs[i];
	return jobs[0];
}

static void check_group(struct loader *l, struct job *const *jobs, size_t count)
{
	const struct job *first = who_says(l, jobs, count);
	int32_t limit = first->group_limit;
	char name[SHOWN_MAX];

	for (size_t i = 0; i < count; i++) {
		struct job *job = jobs[i];

		if (says_limit(l, job) && job->group_limit != limit)
			check_tell(
				l, SEVERITY_ERROR, job, "group_limit",
				&l->places[job - l->jobs].group_limit,
				arena_format(&l->scratch,
					     "group \"%s\" has a limit of %d in job \"%s\" (line "
					     "%u); all of its jobs share one",
					     shown(job->group, strlen(job->group), name), limit,
					     first->name, first->line));
		job->group_limit = limit;
	}
}

void check_groups(struct loader *l)
{
	struct job **jobs = mem_alloc((l->job_count + 1) * sizeof(struct job *));
	size_t count = 0;

	for (size_t i = 0; i < l->job_count; i++)
		if (l->jobs[i].group && l->jobs[i].name)
			jobs[count++] = &l->jobs[i];
	if (count)
		qsort(jobs, count, sizeof(struct job *), by_group);
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && strcmp(jobs[i]->group, jobs[end]->group) == 0;)
			end++;
		check_group(l, &jobs[i], end - i);
	}
	free(jobs);
}

/* ---- names that were others before ---- */

struct former {
	const char *name;
	const struct job *job;
};

static int by_former(const void *a, const void *b)
{
	const struct former *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x->job > y->job) - (x->job < y->job);
}

static const struct job *find(const struct job *const *sorted, size_t count, const char *name)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(sorted[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && strcmp(sorted[low]->name, name) == 0 ? sorted[low] : NULL;
}

static void tell_former(struct loader *l, const struct former *former, const char *message)
{
	check_tell(l, SEVERITY_ERROR, former->job, "was", &l->places[former->job - l->jobs].was,
		   message);
}

static void check_former(struct loader *l, const struct former *former, const struct former *before,
			 const struct job *other)
{
	char name[SHOWN_MAX];

	shown(former->name, strlen(former->name), name);
	if (strcmp(former->name, former->job->name) == 0)
		tell_former(l, former,
			    "\"was\" is the job's own name; it says what it was called before");
	else if (other)
		tell_former(l, former,
			    arena_format(&l->scratch,
					 "a job is called \"%s\" still (line %u), so nothing was "
					 "renamed from it; take that one out, or this",
					 name, other->line));
	else if (before && before->job != former->job)
		tell_former(l, former,
			    arena_format(&l->scratch,
					 "job \"%s\" (line %u) says that it was \"%s\" too; the "
					 "history of a job goes to one",
					 before->job->name, before->job->line, name));
}

void check_formers(struct loader *l, const struct job *const *sorted, size_t named)
{
	struct former *formers;
	size_t count = 0;

	for (size_t i = 0; i < named; i++)
		count += sorted[i]->was.count;
	if (count == 0)
		return;
	formers = mem_alloc(count * sizeof(*formers));
	count = 0;
	for (size_t i = 0; i < named; i++)
		for (size_t w = 0; w < sorted[i]->was.count; w++)
			formers[count++] = (struct former){sorted[i]->was.items[w], sorted[i]};
	qsort(formers, count, sizeof(*formers), by_former);
	for (size_t i = 0; i < count; i++) {
		bool is_again = i > 0 && strcmp(formers[i - 1].name, formers[i].name) == 0;

		check_former(l, &formers[i], is_again ? &formers[i - 1] : NULL,
			     find(sorted, named, formers[i].name));
	}
	free(formers);
}

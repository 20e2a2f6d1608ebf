/* loader.c - findings by key and place, and ways back into the text; see loader.h. */
#include "loader.h"

#include <stdio.h>
#include <string.h>

bool loader_tell(struct loader *l, enum severity severity, size_t at, size_t length,
		 const char *format, ...)
{
	struct buf path = {0};
	va_list args;

	if (report_keeps(&l->report, at))
		json_path_write(&l->json.path, l->json.text, &path);
	struct about about = {
		.at = at, .length = length, .path = buf_string(&path), .job = l->job_name};
	va_start(args, format);
	report_vadd(&l->report, severity, &about, format, args);
	va_end(args);
	buf_finish(&path);
	return false;
}

const char *path_of_key(struct loader *l, const struct draft *d, enum key key)
{
	struct buf path = {0};
	const char *below = keys[key].path + strlen("jobs[]");

	if (d->spots[key].is_default)
		buf_text(&path, "defaults");
	else
		json_path_write(&l->json.path, l->json.text, &path);
	buf_text(&path, path.length ? below : below + 1);
	const char *copy = arena_text(&l->scratch, buf_string(&path));
	buf_finish(&path);
	return copy;
}

bool tell_key(struct loader *l, const struct draft *d, enum key key, enum severity severity,
	      const char *format, ...)
{
	const struct spot *spot = &d->spots[key];
	struct about about = {.at = spot->at, .length = spot->length, .job = l->job_name};
	va_list args;

	about.path = path_of_key(l, d, key);
	va_start(args, format);
	report_vadd(&l->report, severity, &about, format, args);
	va_end(args);
	return false;
}

/* The job's object has been left: its step is still there above the path's top. */
struct visit visit_key(struct loader *l, const struct draft *d, enum key key)
{
	struct visit visit = {l->json.at};
	const struct spot *spot = &d->spots[key];
	struct json_step *step = &l->json.path.steps[l->json.path.depth++];

	*step = (struct json_step){
		.count = 1, .key = spot->key_at + 1, .key_length = spot->key_length - 2};
	l->json.at = spot->at;
	return visit;
}

void visit_leave(struct loader *l, struct visit visit)
{
	l->json.path.depth--;
	l->json.at = visit.at;
}

/* report.c - the report of fidelity, for people and as JSON; see import.h. */
#include <string.h>

#include "entry.h"

static void add_place(struct buf *out, struct import_place at)
{
	buf_text(out, at.file);
	if (at.line)
		buf_format(out, ":%u", at.line);
	if (at.line && at.column > 1)
		buf_format(out, ":%u", at.column);
}

static bool is_same_place(struct import_place a, struct import_place b)
{
	return a.line == b.line && a.column == b.column && strcmp(a.file, b.file) == 0;
}

/* All that carried over on one line. */
static void text_carried(struct buf *out, const struct import_notes *notes)
{
	const char *lead = "    carried  ";

	for (size_t i = 0; i < notes->count; i++) {
		const struct import_note *n = &notes->items[i];

		if (n->effect != IMPORT_CARRIED || n->text)
			continue;
		buf_format(out, "%s%s", lead, n->topic);
		lead = ", ";
	}
	if (*lead == ',')
		buf_char(out, '\n');
}

static void text_notes(struct buf *out, const struct import_notes *notes, struct import_place at)
{
	for (size_t i = 0; i < notes->count; i++) {
		const struct import_note *n = &notes->items[i];

		if (!n->text)
			continue;
		buf_format(out, "    %-7s  %s: %s", import_effect_word(n->effect), n->topic,
			   n->text);
		if (n->at.line && !is_same_place(n->at, at)) {
			buf_text(out, " (");
			add_place(out, n->at);
			buf_char(out, ')');
		}
		buf_char(out, '\n');
	}
}

static void text_entry(struct buf *out, const struct import_entry *e)
{
	add_place(out, e->at);
	if (e->is_left)
		buf_format(out, ": left out: %s\n", e->source);
	else
		buf_format(out, ": job %s\n", e->name);
	if (!e->is_left)
		text_carried(out, &e->notes);
	text_notes(out, &e->notes, e->at);
}

static void text_summary(struct buf *out, const struct import *im)
{
	size_t jobs = import_jobs(im), left = import_left(im);

	buf_format(out, "%zu job%s", jobs, jobs == 1 ? "" : "s");
	if (left)
		buf_format(out, ", %zu entr%s left out", left, left == 1 ? "y" : "ies");
	buf_char(out, '\n');
}

void import_report_text(const struct import *im, struct buf *out)
{
	for (size_t i = 0; i < im->entry_count; i++)
		text_entry(out, im->entries[i]);
	if (im->remarks.count) {
		buf_text(out, "of all of it:\n");
		text_notes(out, &im->remarks, (struct import_place){"", 0, 0});
	}
	text_summary(out, im);
}

/* ---- JSON ---- */

static void json_place(struct buf *out, struct import_place at)
{
	buf_json_text(out, "file", at.file);
	buf_json_int(out, "line", at.line);
	buf_json_int(out, "column", at.column);
}

static void json_notes(struct buf *out, const char *key, const struct import_notes *notes)
{
	buf_json_open(out, key, '[');
	for (size_t i = 0; i < notes->count; i++) {
		const struct import_note *n = &notes->items[i];

		buf_json_open(out, NULL, '{');
		buf_json_text(out, "effect", import_effect_word(n->effect));
		buf_json_text(out, "topic", n->topic);
		buf_json_text(out, "text", n->text);
		json_place(out, n->at);
		buf_json_close(out, '}');
	}
	buf_json_close(out, ']');
}

static void json_entry(struct buf *out, const struct import_entry *e)
{
	buf_json_open(out, NULL, '{');
	buf_json_text(out, "job", e->is_left ? NULL : e->name);
	buf_json_text(out, "kind", import_kind_word(e->kind));
	json_place(out, e->at);
	buf_json_text(out, "source", e->source);
	json_notes(out, "notes", &e->notes);
	buf_json_close(out, '}');
}

void import_report_json(const struct import *im, const char *key, struct buf *out)
{
	buf_json_open(out, key, '{');
	buf_json_int(out, "jobs", (int64_t)import_jobs(im));
	buf_json_int(out, "left", (int64_t)import_left(im));
	buf_json_open(out, "entries", '[');
	for (size_t i = 0; i < im->entry_count; i++)
		json_entry(out, im->entries[i]);
	buf_json_close(out, ']');
	json_notes(out, "remarks", &im->remarks);
	buf_json_close(out, '}');
}

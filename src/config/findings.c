/* findings.c - the collector of findings, see report.h; and one as programs read it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "utf8.h"

enum { EXCERPT_MAX = 4096 };

void report_init(struct report *report, struct findings *findings)
{
	*report = (struct report){.findings = findings, .beyond = SIZE_MAX};
	findings->items = NULL;
	findings->count = findings->capacity = findings->errors = findings->suppressed = 0;
}

/* The file as a whole comes first. */
static size_t rank(size_t at)
{
	return at == PLACE_WHOLE ? 0 : at + 1;
}

static int by_place(const void *a, const void *b)
{
	const struct report_entry *x = a, *y = b;

	if (x->at != y->at)
		return rank(x->at) < rank(y->at) ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

static void keep_first(struct report *report)
{
	if (!report->count)
		return;
	qsort(report->entries, report->count, sizeof(*report->entries), by_place);
	if (report->count <= FINDINGS_KEPT)
		return;
	report->count = FINDINGS_KEPT;
	report->beyond = rank(report->entries[FINDINGS_KEPT - 1].at);
}

bool report_keeps(const struct report *report, size_t at)
{
	return rank(at) < report->beyond;
}

bool report_has_room(const struct report *report)
{
	return report->told < (size_t)2 * FINDINGS_KEPT;
}

bool report_vadd(struct report *report, enum severity severity, const struct about *about,
		 const char *format, va_list args)
{
	struct findings *findings = report->findings;
	struct arena *arena = findings->arena;
	char message[512];
	bool has_excerpt = about->excerpt && strlen(about->excerpt) <= EXCERPT_MAX;

	report->told++;
	findings->errors += severity == SEVERITY_ERROR;
	if (!report_keeps(report, about->at))
		return false;
	if (report->count == (size_t)2 * FINDINGS_KEPT)
		keep_first(report);
	if (!report->entries)
		report->entries = mem_alloc(sizeof(*report->entries) * (size_t)(2 * FINDINGS_KEPT));
	vsnprintf(message, sizeof(message), format, args);
	report->entries[report->count++] = (struct report_entry){
		.at = about->at,
		.order = report->told,
		.finding = {.severity = severity,
			    .length = about->length ? (uint32_t)about->length : 1,
			    .path = arena_text(arena, about->path ? about->path : ""),
			    .job = about->job ? arena_text(arena, about->job) : NULL,
			    .message = arena_text(arena, message),
			    .excerpt = has_excerpt ? arena_text(arena, about->excerpt) : NULL,
			    .excerpt_column = has_excerpt ? (uint32_t)about->excerpt_column : 0}};
	return false;
}

bool report_add(struct report *report, enum severity severity, const struct about *about,
		const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report_vadd(report, severity, about, format, args);
	va_end(args);
	return false;
}

void report_finish(struct report *report, const char *text, size_t length)
{
	struct findings *findings = report->findings;
	size_t line_start = 0, at = 0;
	uint32_t line = 1;

	keep_first(report);
	findings->count = findings->capacity = report->count;
	findings->suppressed = report->told - report->count;
	findings->items = arena_array(findings->arena, struct finding, report->count);
	for (size_t i = 0; i < report->count; i++) {
		struct report_entry *entry = &report->entries[i];

		findings->items[i] = entry->finding;
		if (entry->at == PLACE_WHOLE)
			continue;
		size_t end = entry->at < length ? entry->at : length;
		const char *found;
		while (at < end && (found = memchr(text + at, '\n', end - at)) != NULL) {
			line++;
			at = line_start = (size_t)(found - text) + 1;
		}
		at = at > end ? at : end;
		findings->items[i].line = line;
		findings->items[i].column = (uint32_t)(entry->at - line_start + 1);
	}
	free(report->entries);
	report->entries = NULL;
}

const char *shown(const char *text, size_t length, char out[SHOWN_MAX])
{
	size_t at = 0, n = 0;
	static const char more[] = "…";

	while (at < length) {
		size_t bytes = utf8_length(text + at, length - at);
		bool is_fit = bytes > 0 && (unsigned char)text[at] >= 0x20 && text[at] != 0x7f;

		if (n + (is_fit ? bytes : 1) + sizeof(more) > SHOWN_MAX) {
			memcpy(out + n, more, sizeof(more));
			return out;
		}
		if (is_fit)
			memcpy(out + n, text + at, bytes);
		else
			out[n] = '?';
		n += is_fit ? bytes : 1;
		at += bytes ? bytes : 1;
	}
	out[n] = '\0';
	return out;
}

void finding_add_json(struct buf *json, const struct finding *finding)
{
	bool is_error = finding->severity == SEVERITY_ERROR;

	buf_json_int(json, "line", finding->line);
	buf_json_int(json, "column", finding->column);
	buf_json_int(json, "length", finding->length);
	buf_json_text(json, "path", finding->path);
	buf_json_text(json, "job", finding->job);
	buf_json_text(json, "severity", is_error ? "error" : "warning");
	buf_json_text(json, "message", finding->message);
}

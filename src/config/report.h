/*
 * report.h - collecting findings: by place, the first 1,000 kept.
 *
 * A finding is told with its offset in the text; lines and columns are counted
 * once, at the end, when all are sorted.
 */
#ifndef BELFRY_REPORT_H
#define BELFRY_REPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

enum { FINDINGS_KEPT = 1000 };
#define PLACE_WHOLE SIZE_MAX /* the file as a whole */

/* What a finding is about; texts are copied. */
struct about {
	size_t at, length; /* in the file */
	const char *path;
	const char *job;
	const char *excerpt; /* NULL: none; one too long to be shown is left out */
	size_t excerpt_column;
};

struct report_entry {
	size_t at, order;
	struct finding finding;
};

struct report {
	struct findings *findings;
	struct report_entry *entries; /* up to twice FINDINGS_KEPT */
	size_t count, told;
	size_t beyond; /* what is at or behind this offset is not kept */
};

void report_init(struct report *report, struct findings *findings);
/* Always false, so that a reader can end in one line. */
bool report_add(struct report *report, enum severity severity, const struct about *about,
		const char *format, ...) __attribute__((format(printf, 4, 5)));
bool report_vadd(struct report *report, enum severity severity, const struct about *about,
		 const char *format, va_list args) __attribute__((format(printf, 4, 0)));
/* Whether a finding there would be kept, to spare the making of its texts. */
bool report_keeps(const struct report *report, size_t at);
/* Whether any more are likely to be kept: to spare dear work such as nearest names. */
bool report_has_room(const struct report *report);
/* Sorts, counts lines and columns in text, and fills in the findings. */
void report_finish(struct report *report, const char *text, size_t length);

/* A piece of the user's text fit to be shown: cut, without control characters. */
enum { SHOWN_MAX = 80 };
const char *shown(const char *text, size_t length, char out[SHOWN_MAX]);

#endif

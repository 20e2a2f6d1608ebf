/*
 * forecast_ics.c - a forecast as an iCalendar (RFC 5545), one event for each start.
 *
 * An event's UID is made of the job's name and the scheduled instant, so that the
 * same run is the same event however often the file is made.
 */
#include <string.h>

#include "civil.h"
#include "forecast.h"
#include "str.h"
#include "utf8.h"
#include "version.h"

enum { LINE_MAX_BYTES = 75 };
#define DAY_S INT64_C(86400)

/* One content line: folded so that none has more than 75 bytes, and never inside a
 * character. */
static void add_line(struct buf *out, const char *text)
{
	size_t length = strlen(text), column = 0, bytes;

	for (size_t at = 0; at < length; at += bytes, column += bytes) {
		bytes = utf8_length(text + at, length - at);
		if (bytes == 0)
			bytes = 1;
		if (column + bytes > LINE_MAX_BYTES) {
			buf_text(out, "\r\n ");
			column = 1;
		}
		buf_add(out, text + at, bytes);
	}
	buf_text(out, "\r\n");
}

/* TEXT (section 3.3.11). What is no UTF-8 and no printable character is a "?". */
static void add_escaped(struct buf *out, const char *text)
{
	size_t length = strlen(text), bytes;

	for (size_t at = 0; at < length; at += bytes) {
		unsigned char c = (unsigned char)text[at];

		bytes = utf8_length(text + at, length - at);
		if (c == '\n')
			buf_text(out, "\\n");
		else if (bytes == 0 || c < 0x20 || c == 0x7f)
			buf_char(out, '?');
		else if (strchr("\\;,", c))
			buf_format(out, "\\%c", c);
		else
			buf_add(out, text + at, bytes);
		if (bytes == 0)
			bytes = 1;
	}
}

static void add_text(struct buf *out, const char *name, const char *text)
{
	struct buf line = {0};

	buf_format(&line, "%s:", name);
	add_escaped(&line, text);
	add_line(out, buf_string(&line));
	buf_finish(&line);
}

/* "20261125T104900Z" */
static void add_stamp(struct buf *out, struct utc at)
{
	int64_t utc_s = at.ms / 1000, second = utc_s % DAY_S;
	struct civil_date date = civil_from_days(utc_s / DAY_S);

	buf_format(out, "%04d%02d%02dT%02d%02d%02dZ", date.year, date.month, date.day,
		   (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60));
}

static void add_time(struct buf *out, const char *name, struct utc at)
{
	buf_format(out, "%s:", name);
	add_stamp(out, at);
	buf_text(out, "\r\n");
}

static void add_uid(struct buf *out, const char *name, struct utc scheduled)
{
	buf_text(out, "UID:");
	add_stamp(out, scheduled);
	buf_format(out, "-%016llx@belfry\r\n",
		   (unsigned long long)str_hash(STR_HASH_INIT, name, strlen(name)));
}

static void add_description(struct buf *out, const struct forecast_job *job,
			    const struct forecast_walk *walk)
{
	struct buf text = {0};
	char scheduled[UTC_TEXT_MAX];

	buf_format(&text, "%s\n", job->text);
	schedule_explain(job->schedule, &text);
	if (schedule_jitter_max_ms(job->schedule))
		buf_format(&text, "\nscheduled for %s", utc_format(walk->scheduled, scheduled));
	add_text(out, "DESCRIPTION", buf_string(&text));
	buf_finish(&text);
}

static void add_event(struct buf *out, const struct forecast_job *job,
		      const struct forecast_walk *walk, struct utc now)
{
	buf_text(out, "BEGIN:VEVENT\r\n");
	add_uid(out, job->name, walk->scheduled);
	add_time(out, "DTSTAMP", now);
	add_time(out, "DTSTART", walk->start);
	add_text(out, "SUMMARY", job->name);
	add_description(out, job, walk);
	/* It keeps nobody busy. */
	buf_text(out, "TRANSP:TRANSPARENT\r\nEND:VEVENT\r\n");
}

void forecast_ics(const struct forecast_question *question, struct utc now, struct buf *out)
{
	buf_format(out,
		   "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"
		   "PRODID:-//belfry//forecast %s//EN\r\n"
		   "CALSCALE:GREGORIAN\r\n",
		   version_text);
	for (size_t i = 0; i < question->job_count; i++) {
		struct forecast_walk walk = {.schedule = question->jobs[i].schedule,
					     .from_s = question->from_s,
					     .to_s = question->to_s};

		while (forecast_walk_next(&walk))
			add_event(out, &question->jobs[i], &walk, now);
	}
	buf_text(out, "END:VCALENDAR\r\n");
}

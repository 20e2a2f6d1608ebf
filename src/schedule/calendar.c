/*
 * calendar.c - the calendar form into schedules (schedule-language.md, section 3).
 *
 * Each form fills the same sets as a cron expression does. Only a list of times
 * that is no product of hours, minutes and seconds ("09:00" and "17:30") is kept
 * as a list.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "around.h"
#include "every.h"
#include "lack.h"
#include "moment.h"
#include "month.h"
#include "str.h"
#include "words.h"

enum unit { UNIT_HOUR, UNIT_DAY, UNIT_WEEK, UNIT_MONTH, UNIT_YEAR };
enum { UNIT_COUNT = UNIT_YEAR + 1, TIMES_MAX = 1440 };

/* Which members each "every" takes; what it takes it needs. */
static const struct unit_row {
	const char *word, *adverb;
	bool month, day, weekday, time, minute;
} units[UNIT_COUNT] = {
	[UNIT_HOUR] = {"hour", "hourly", .minute = true},
	[UNIT_DAY] = {"day", "daily", .time = true},
	[UNIT_WEEK] = {"week", "weekly", .weekday = true, .time = true},
	[UNIT_MONTH] = {"month", "monthly", .day = true, .time = true},
	[UNIT_YEAR] = {"year", "yearly", .month = true, .day = true, .time = true},
};

/* A list member of the form. */
struct member {
	const char *name;
	enum schedule_part part;
	const char *const *items;
	size_t count;
	const char *example;
};

struct reader {
	struct schedule *schedule;
	struct arena *arena;
	struct complaints *complaints;
};

static bool is_word(const char *text, const char *word)
{
	return strcasecmp(text, word) == 0;
}

/* Decimal digits only; -1 for anything else. */
static int32_t whole_number(const char *text)
{
	int32_t n = 0;

	for (const char *at = text; *at; at++) {
		if (*at < '0' || *at > '9' || at - text > 3)
			return -1;
		n = n * 10 + (*at - '0');
	}
	return *text ? n : -1;
}

/* The full English name or its first three letters. */
static int32_t index_of(const char *text, size_t length, const char *const *names, int32_t count)
{
	for (int32_t i = 0; i < count; i++)
		if ((length == 3 || length == strlen(names[i])) &&
		    strncasecmp(text, names[i], length) == 0)
			return i;
	return -1;
}

static bool read_weekday(const struct reader *r, const struct member *m, size_t i)
{
	const char *text = m->items[i];
	int32_t weekday = index_of(text, strlen(text), word_weekdays, 7);

	if (weekday < 0) {
		const char *near = str_nearest(text, word_weekdays, 7);
		return complain(r->complaints, place_whole(m->part, i, text),
				"\"%.40s\" is no weekday; write %s", text,
				near ? near : "\"monday\" or \"mon\"");
	}
	r->schedule->days.weekdays |= (uint8_t)(1 << weekday);
	return true;
}

static bool read_month(const struct reader *r, const struct member *m, size_t i)
{
	const char *text = m->items[i];
	int32_t month = index_of(text, strlen(text), word_months + 1, 12) + 1;
	int32_t number = whole_number(text);

	if (!month && number >= 1 && number <= 12)
		month = number;
	if (!month) {
		const char *near = str_nearest(text, word_months + 1, 12);
		return complain(r->complaints, place_whole(m->part, i, text),
				"\"%.40s\" is no month; write %s", text,
				near ? near : "\"december\" or \"dec\"");
	}
	r->schedule->months |= (uint16_t)(1 << month);
	return true;
}

/* "first monday" … "fifth monday", "last friday". */
static bool read_nth(const struct reader *r, const char *text)
{
	const char *space = strchr(text, ' ');
	struct day_rule *days = &r->schedule->days;

	if (!space)
		return false;
	int32_t weekday = index_of(space + 1, strlen(space + 1), word_weekdays, 7);
	for (int32_t k = 0; k <= NTH_LAST && weekday >= 0; k++) {
		const char *word = word_nth[k];

		if (strlen(word) == (size_t)(space - text) &&
		    strncasecmp(text, word, strlen(word)) == 0) {
			days->nth[weekday] |= (uint8_t)(1 << k);
			days->has_nth = true;
			return true;
		}
	}
	return false;
}

static bool read_day(const struct reader *r, const struct member *m, size_t i)
{
	const char *text = m->items[i];
	int32_t day = whole_number(text);
	struct day_rule *days = &r->schedule->days;

	if (day >= 1 && day <= 31)
		days->month_days |= UINT32_C(1) << day;
	else if (is_word(text, "last"))
		days->from_last |= 1;
	else if (is_word(text, "last weekday"))
		days->last_weekday = true;
	else if (!read_nth(r, text))
		return complain(r->complaints, place_whole(m->part, i, text),
				"\"%.40s\" is no day of a month; write 1 to 31, \"last\", %s", text,
				"\"last weekday\", \"first monday\" or \"last friday\"");
	return true;
}

static bool read_minute(const struct reader *r, const struct member *m, size_t i)
{
	int32_t minute = whole_number(m->items[i]);

	if (minute < 0 || minute > 59)
		return complain(r->complaints, place_whole(m->part, i, m->items[i]),
				"\"%.40s\" is no minute of an hour; write 0 to 59", m->items[i]);
	r->schedule->minutes |= UINT64_C(1) << minute;
	return true;
}

static bool two_digits(const char *text, int32_t most, int32_t *value)
{
	if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
		return false;
	*value = (text[0] - '0') * 10 + text[1] - '0';
	return *value <= most;
}

/* "HH:MM" or "HH:MM:SS" in seconds of the day; -1 for anything else. */
static int32_t time_of_day(const char *text)
{
	size_t length = strlen(text);
	int32_t hour, minute, second = 0;

	if ((length != 5 && length != 8) || text[2] != ':' || !two_digits(text, 23, &hour) ||
	    !two_digits(text + 3, 59, &minute))
		return -1;
	if (length == 8 && (text[5] != ':' || !two_digits(text + 6, 59, &second)))
		return -1;
	return hour * 3600 + minute * 60 + second;
}

/* "9:00" and "9:00:30": a leading zero is all that is missing. */
static bool lacks_zero(const char *text, char whole[sizeof("00:00:00")])
{
	size_t length = strlen(text);

	if (length != 4 && length != 7)
		return false;
	whole[0] = '0';
	memcpy(whole + 1, text, length + 1);
	return time_of_day(whole) >= 0;
}

static bool wrong_time(const struct reader *r, const struct member *m, size_t i)
{
	struct place place = place_whole(m->part, i, m->items[i]);
	char whole[sizeof("00:00:00")];

	if (lacks_zero(m->items[i], whole))
		return complain(r->complaints, place,
				"\"%.40s\" has one digit for the hour; write \"%s\"", m->items[i],
				whole);
	return complain(r->complaints, place,
			"\"%.40s\" is no time of day; write 00:00 to 23:59, with seconds as in "
			"06:15:30",
			m->items[i]);
}

static int by_value(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

/* Keeps the list where the sets would name more times than it has. */
static void settle_times(struct schedule *s, int32_t *times, uint32_t count)
{
	uint32_t kept = 0;

	qsort(times, count, sizeof(*times), by_value);
	for (uint32_t i = 0; i < count; i++) {
		if (kept && times[kept - 1] == times[i])
			continue;
		times[kept++] = times[i];
		s->hours |= UINT32_C(1) << times[i] / 3600;
		s->minutes |= UINT64_C(1) << times[i] / 60 % 60;
		s->seconds |= UINT64_C(1) << times[i] % 60;
	}
	if (__builtin_popcount(s->hours) * __builtin_popcountll(s->minutes) *
		    __builtin_popcountll(s->seconds) >
	    (int)kept) {
		s->times = times;
		s->time_count = kept;
	}
}

static bool read_times(const struct reader *r, const struct member *m)
{
	if (m->count > TIMES_MAX)
		return complain(r->complaints, place_whole(m->part, 0, m->items[0]),
				"more than 1440 times a day");
	int32_t *times = arena_array(r->arena, int32_t, m->count);
	for (size_t i = 0; i < m->count; i++) {
		times[i] = time_of_day(m->items[i]);
		if (times[i] < 0)
			return wrong_time(r, m, i);
	}
	settle_times(r->schedule, times, (uint32_t)m->count);
	return true;
}

typedef bool read_fn(const struct reader *r, const struct member *m, size_t i);

/* A member that is taken must be there, one that is not must be absent. */
static bool read_member(const struct reader *r, const struct unit_row *unit, bool taken,
			const struct member *m, read_fn *read)
{
	if (!taken && m->count) {
		struct place place = place_whole(m->part, 0, m->items[0]);
		return complain(r->complaints, place,
				"\"%s\" has no meaning beside \"every\": \"%s\"; remove it",
				m->name, unit->word);
	}
	if (!taken)
		return true;
	if (!m->count) {
		struct place place = place_whole(SCHEDULE_EVERY, 0, unit->word);
		return complain(r->complaints, place, "\"every\": \"%s\" needs \"%s\", as in %s",
				unit->word, m->name, m->example);
	}
	if (!read)
		return read_times(r, m);
	bool ok = true;
	for (size_t i = 0; i < m->count; i++)
		ok &= read(r, m, i);
	return ok;
}

static bool read_members(const struct reader *r, const struct unit_row *unit,
			 const struct calendar_form *f)
{
	struct member month = {"month", SCHEDULE_MONTH, f->month, f->month_count,
			       "\"month\": \"december\""};
	struct member day = {"day", SCHEDULE_DAY, f->day, f->day_count, "\"day\": 1"};
	struct member weekday = {"weekday", SCHEDULE_WEEKDAY, f->weekday, f->weekday_count,
				 "\"weekday\": \"monday\""};
	struct member time = {"time", SCHEDULE_TIME, f->time, f->time_count, "\"time\": \"09:00\""};
	struct member minute = {"minute", SCHEDULE_MINUTE, f->minute, f->minute_count,
				"\"minute\": 0"};
	bool ok = true;

	ok &= read_member(r, unit, unit->month, &month, read_month);
	ok &= read_member(r, unit, unit->day, &day, read_day);
	ok &= read_member(r, unit, unit->weekday, &weekday, read_weekday);
	ok &= read_member(r, unit, unit->time, &time, NULL);
	ok &= read_member(r, unit, unit->minute, &minute, read_minute);
	return ok;
}

/* What the form leaves open is every value, as "*" in the cron expression. */
static void fill_open(struct schedule *s, const struct unit_row *unit)
{
	struct day_rule *days = &s->days;
	bool by_date = days->month_days || days->from_last || days->last_weekday;
	bool by_weekday = days->weekdays || days->has_nth;

	if (!by_date)
		days->month_days = UINT32_MAX & ~UINT32_C(1);
	if (!by_weekday)
		days->weekdays = 0x7f;
	days->either = by_date && by_weekday;
	days->plain = !days->from_last && !days->last_weekday && !days->has_nth;
	if (!unit->month)
		s->months = 0x1ffe;
	if (unit->minute) {
		s->seconds = 1;
		s->hours = 0xffffff;
		s->follows_clock = true;
	}
	for (int i = 0; i < YEAR_WORDS; i++)
		s->years[i] = UINT64_MAX;
	s->years[YEAR_WORDS - 1] = (UINT64_C(1) << (LAST_YEAR - FIRST_YEAR + 1) % 64) - 1;
}

static bool never(const struct reader *r, const struct calendar_form *form)
{
	struct place place = place_whole(SCHEDULE_DAY, 0, form->day[0]);
	struct buf lack = {0};

	if (lack_explains(r->schedule, &lack))
		complain(r->complaints, place, "never fires: %s; write \"last\" for the last day",
			 buf_string(&lack));
	else
		complain(r->complaints, place, "never fires: no such month has a day \"%.40s\"",
			 form->day[0]);
	buf_finish(&lack);
	return false;
}

static bool read_unit(const struct reader *r, const struct unit_row *unit,
		      const struct calendar_form *form)
{
	struct schedule *s = r->schedule;

	s->kind = KIND_FIELDS;
	if (!read_members(r, unit, form))
		return false;
	fill_open(s, unit);
	return month_can_fire(s) || never(r, form);
}

static bool has_members(const struct calendar_form *f)
{
	return f->month_count || f->day_count || f->weekday_count || f->time_count ||
	       f->minute_count;
}

/* "weekly": the rest of the form is read as it was meant. */
static bool wrong_unit(const struct reader *r, const struct unit_row *unit,
		       const struct calendar_form *form)
{
	complain(r->complaints, place_whole(SCHEDULE_EVERY, 0, form->every),
		 "\"%.40s\" is no unit; write \"%s\"", form->every, unit->word);
	read_members(r, unit, form);
	return false;
}

static bool read_every(const struct reader *r, const struct calendar_form *form)
{
	struct schedule *s = r->schedule;

	for (int i = 0; i < UNIT_COUNT; i++)
		if (is_word(form->every, units[i].word))
			return read_unit(r, &units[i], form);
		else if (is_word(form->every, units[i].adverb))
			return wrong_unit(r, &units[i], form);
	const char *problem = every_parse(form->every, strlen(form->every), &s->period);
	if (problem)
		return complain(r->complaints, place_whole(SCHEDULE_EVERY, 0, form->every),
				"\"%.40s\" is neither hour, day, week, month, year nor a duration "
				"of 1s or more such as 15m",
				form->every);
	s->kind = KIND_EVERY;
	if (!has_members(form))
		return true;
	return complain(r->complaints, place_whole(SCHEDULE_EVERY, 0, form->every),
			"\"every\": \"%.40s\" is a duration and stands alone; remove the other "
			"members",
			form->every);
}

static bool read_at(const struct reader *r, const struct calendar_form *form)
{
	struct schedule *s = r->schedule;
	struct moment moment;

	if (form->every || has_members(form))
		return complain(r->complaints, place_whole(SCHEDULE_AT, 0, form->at),
				"\"at\" fires once and stands alone; remove the other members");
	if (!moment_parse(form->at, strlen(form->at), &moment) || moment.form == MOMENT_DATE)
		return complain(r->complaints, place_whole(SCHEDULE_AT, 0, form->at),
				"\"%.40s\" is no date-time of the years 1970 to 2199; write "
				"2026-12-24T18:00:00, with Z or an offset where it is not local",
				form->at);
	if (moment.ms % 1000)
		return complain(r->complaints, place_whole(SCHEDULE_AT, 0, form->at),
				"\"%.40s\" has a fraction of a second; jobs fire on whole seconds",
				form->at);
	s->kind = KIND_AT;
	s->has_offset = moment.form == MOMENT_INSTANT;
	s->origin = moment_instant_ms(&moment, s->zone) / 1000;
	return true;
}

size_t schedule_parse_calendar(struct arena *arena, const struct calendar_form *form,
			       const struct schedule_context *context, const struct schedule **out,
			       struct schedule_error *errors, size_t max)
{
	struct complaints complaints = {errors, max, 0};
	const char *name = context->job_name ? context->job_name : "";
	struct schedule *s = arena_new(arena, struct schedule);
	struct reader r = {s, arena, &complaints};
	bool ok;

	s->name_hash = str_hash(STR_HASH_INIT, name, strlen(name));
	s->zone = context->zone ? context->zone : zone_utc();
	s->from_calendar = true;
	s->text = "";
	if (form->at)
		ok = read_at(&r, form);
	else if (form->every)
		ok = read_every(&r, form);
	else
		ok = complain(&complaints, place_whole(SCHEDULE_EVERY, 0, ""),
			      "a schedule needs \"every\" or \"at\"");
	bool around = around_apply(s, arena, context, &complaints);
	if (!ok || !around)
		return complaints.count;
	*out = s;
	return 0;
}

/*
 * lint.c - what is legal but likely unmeant (schedule-language.md, section 7),
 * as far as one schedule alone can show it; see schedule.h.
 */
#include <stdio.h>
#include <string.h>

#include "civil.h"
#include "expression.h"
#include "lack.h"
#include "reading.h"
#include "zone_table.h"

enum { CALENDAR_JUMP_S = 3 * 3600, YEAR_S = 366 * 86400, SIXTY = 60, HOURS = 24, OFFERED_MAX = 30 };
#define ALL_SIXTY    ((UINT64_C(1) << 60) - 1)
#define ALL_DAYS     UINT32_C(0xfffffffe)
#define ALL_WEEKDAYS 0x7f
#define ALL_MONTHS   0x1ffe
#define ALL_HOURS    UINT32_C(0xffffff)

struct linter {
	const struct schedule *s;
	struct expression e; /* of cron text; no fields for macros and calendar forms */
	schedule_lint_fn *found;
	void *context;
};

/* Complaints write into an array of one, which is then handed on. */
#define WARN(linter, place, ...)                                                                   \
	do {                                                                                       \
		struct schedule_error warning_ = {0};                                              \
		struct complaints one_ = {&warning_, 1, 0};                                        \
		complain(&one_, (place), __VA_ARGS__);                                             \
		(linter)->found((linter)->context, &warning_);                                     \
	} while (0)

static struct place piece(const struct linter *l, const char *from, const char *to)
{
	return (struct place){SCHEDULE_TEXT, 0, l->e.text, from, (size_t)(to - from)};
}

/* From one field to another of cron text; a member of a calendar form. */
static struct place fields(const struct linter *l, enum field first, enum field last,
			   enum schedule_part member)
{
	const struct span *from = &l->e.fields[first], *to = &l->e.fields[last];

	if (l->s->from_calendar)
		return place_whole(member, 0, "");
	if (!from->at)
		return piece(l, l->e.body.at, l->e.body.at + l->e.body.length);
	return piece(l, from->at, to->at + to->length);
}

static void lint_either(const struct linter *l)
{
	const struct day_rule *r = &l->s->days;
	const struct span *weekday = &l->e.fields[FIELD_WEEKDAY];

	if (!r->either || !weekday->at)
		return;
	WARN(l, fields(l, FIELD_MONTH_DAY, FIELD_WEEKDAY, SCHEDULE_DAY),
	     "day-of-month and day-of-week are both given, so it fires on days that satisfy "
	     "either one; write +%.*s for days that satisfy both",
	     (int)(weekday->length > 40 ? 40 : weekday->length), weekday->at);
}

static void lint_star(const struct linter *l)
{
	const struct schedule *s = l->s;

	if (l->e.fields[FIELD_SECOND].at && s->seconds == ALL_SIXTY && s->minutes == ALL_SIXTY)
		WARN(l, fields(l, FIELD_SECOND, FIELD_MINUTE, SCHEDULE_TIME),
		     "fires every second%s; write 0 first for once a minute, or @every 1s if it is "
		     "meant",
		     s->hours == ALL_HOURS ? "" : " of the hours given");
	else if (l->e.fields[FIELD_SECOND].at && s->seconds == ALL_SIXTY)
		WARN(l, fields(l, FIELD_SECOND, FIELD_SECOND, SCHEDULE_TIME),
		     "every second of the minutes given fires, sixty times a minute; write 0 for "
		     "once a minute");
	else if (l->e.fields[FIELD_MINUTE].at && s->minutes == ALL_SIXTY && s->hours != ALL_HOURS)
		WARN(l, fields(l, FIELD_MINUTE, FIELD_MINUTE, SCHEDULE_MINUTE),
		     "every minute of the hours given fires, sixty times an hour; write 0 for "
		     "once an hour");
}

/* "0 9 * * * *", where five fields were meant. */
static void lint_six_fields(const struct linter *l)
{
	const struct schedule *s = l->s;
	const struct span *f = l->e.fields, *hour = &f[FIELD_HOUR];
	bool is_fixed = !(s->seconds & (s->seconds - 1)) && !(s->minutes & (s->minutes - 1));

	if (l->e.count != 6 || !is_fixed || hour->length != 1 || *hour->at != '*')
		return;
	int32_t second = __builtin_ctzll(s->seconds), minute = __builtin_ctzll(s->minutes);
	const char *days = f[FIELD_MONTH_DAY].at;
	int length = (int)(l->e.body.at + l->e.body.length - days);
	bool is_daily = s->days.month_days == ALL_DAYS && s->days.weekdays == ALL_WEEKDAYS &&
			s->months == ALL_MONTHS;
	if (minute >= HOURS || length > OFFERED_MAX)
		return;
	char as_it_is[64] = "";
	if (second == 0)
		snprintf(as_it_is, sizeof(as_it_is), ", or \"%d * %.*s\" for every hour", minute,
			 length, days);
	WARN(l, piece(l, f[FIELD_SECOND].at, hour->at + 1),
	     "6 fields, so the first is the second: this fires at minute %d of every hour; write "
	     "\"%d %d %.*s\" for %02d:%02d %s%s",
	     minute, second, minute, length, days, minute, second,
	     is_daily ? "every day" : "on those days", as_it_is);
}

/* Steps. */

static int32_t number_at(const char *at, const char *end)
{
	int32_t n = 0;

	for (; at < end && *at >= '0' && *at <= '9'; at++)
		n = n * 10 + (*at - '0');
	return n;
}

/* How many values a step has to go over: from the item's start to its end. */
static int32_t values_to_step(const struct field_kind *kind, const char *at, const char *slash)
{
	const char *dash = memchr(at, '-', (size_t)(slash - at));
	const char *last = dash ? dash + 1 : NULL;

	if (*at == 'H' || *at == 'h')
		at += at[1] == '(' ? 2 : 0;
	if (*at < '0' || *at > '9' || (last && (*last < '0' || *last > '9')))
		return *at == '*' || *at == 'H' || *at == 'h' ? kind->open_end - kind->least + 1
							      : 0;
	return (last ? number_at(last, slash) : kind->open_end) - number_at(at, slash) + 1;
}

static void lint_item(const struct linter *l, enum field field, const char *at, const char *end)
{
	static const char units[FIELD_COUNT] = {'s', 'm', 'h'};
	const struct field_kind *kind = field_kind(field);
	const char *slash = memchr(at, '/', (size_t)(end - at));

	if (!slash)
		return;
	int32_t step = number_at(slash + 1, end), count = values_to_step(kind, at, slash);
	bool is_whole = *at == '*' || (*at == '0' && slash == at + 1);
	if (count && step >= count && step > 1)
		WARN(l, piece(l, at, end),
		     "the step %d is larger than its range, so only the first %s is left; write "
		     "that alone",
		     step, kind->word);
	else if (is_whole && units[field] && step > 0 && count % step)
		WARN(l, piece(l, at, end),
		     "%.*s is uneven: %d is no multiple of %d, so the last step before 0 is "
		     "shorter; write @every %d%c for an even rhythm",
		     (int)(end - at > 20 ? 20 : end - at), at, count, step, step, units[field]);
}

static void lint_steps(const struct linter *l)
{
	for (int i = 0; i < FIELD_COUNT; i++) {
		const struct span *field = &l->e.fields[i];
		const char *at = field->at, *end = at ? at + field->length : NULL;

		while (at && at < end) {
			const char *comma = memchr(at, ',', (size_t)(end - at));
			const char *item_end = comma ? comma : end;

			lint_item(l, (enum field)i, *at == '+' ? at + 1 : at, item_end);
			at = item_end + 1;
		}
	}
}

/* Months that are left out; February not just because it is short in most years, where
 * nothing else is asked for. */
static void lint_short_months(const struct linter *l)
{
	const struct schedule *s = l->s;
	uint32_t february = UINT32_C(1) << 2, months = lack_months(s, s->months == february);
	struct buf names = {0};

	if (!months)
		return;
	lack_say_months(months, &names);
	int32_t day = __builtin_ctz(s->days.month_days);
	bool only_leap = months == february && day == 29;
	WARN(l, fields(l, FIELD_MONTH_DAY, FIELD_MONTH_DAY, SCHEDULE_DAY),
	     "%s no day %d%s and %s left out; write %s for the last day of each month",
	     buf_string(&names), day, only_leap ? " but in leap years" : "",
	     months & (months - 1) ? "are" : "is", s->from_calendar ? "\"last\"" : "L");
	buf_finish(&names);
}

static bool fires_in_gap(const struct schedule *s, const struct zone_transition *t)
{
	struct utc fire;
	int64_t local_s;

	return schedule_next_after(s, (struct utc){t->utc_s * 1000 - 1}, &fire) &&
	       fire.ms == t->utc_s * 1000 && schedule_shift_of(s, fire, &local_s) == SHIFT_FROM_GAP;
}

static void warn_of_gap(const struct linter *l, const struct zone_transition *t)
{
	int64_t from = t->utc_s + t->offset_before, to = t->utc_s + t->offset_after;
	int64_t reading = reading_from(l->s, from);
	struct civil_date d = civil_from_days(reading / DAY_S);
	int32_t gap = (int32_t)(from % DAY_S), end = (int32_t)(to % DAY_S);
	int32_t time = (int32_t)(reading % DAY_S);

	WARN(l, fields(l, FIELD_MINUTE, FIELD_HOUR, SCHEDULE_TIME),
	     "%02d:%02d does not exist on %04d-%02d-%02d in %s, where clocks go forward from "
	     "%02d:%02d to %02d:%02d; it fires at %02d:%02d that day; choose a time outside",
	     time / 3600, time / 60 % 60, d.year, d.month, d.day, zone_name(l->s->zone), gap / 3600,
	     gap / 60 % 60, end / 3600, end / 60 % 60, end / 3600, end / 60 % 60);
}

/* Follows the clock, and on the day of the transition has no time outside the gap. */
static bool is_lost_in_gap(const struct schedule *s, const struct zone_transition *t)
{
	int64_t from = t->utc_s + t->offset_before, to = t->utc_s + t->offset_after;
	int64_t day = from - from % DAY_S;
	int64_t first = reading_from(s, day), last = reading_to(s, day + DAY_S - 1);

	return s->follows_clock && first >= from && first < to && last >= first && last < to;
}

static void warn_of_loss(const struct linter *l, const struct zone_transition *t)
{
	int64_t from = t->utc_s + t->offset_before, to = t->utc_s + t->offset_after;
	struct civil_date d = civil_from_days(from / DAY_S);
	int32_t gap = (int32_t)(from % DAY_S), end = (int32_t)(to % DAY_S);

	WARN(l, fields(l, FIELD_MINUTE, FIELD_HOUR, SCHEDULE_TIME),
	     "%02d:%02d to %02d:%02d does not exist on %04d-%02d-%02d in %s, where clocks go "
	     "forward, "
	     "and this follows the clock: it does not fire at all that day; choose hours outside",
	     gap / 3600, gap / 60 % 60, end / 3600, end / 60 % 60, d.year, d.month, d.day,
	     zone_name(l->s->zone));
}

static void lint_gap(const struct linter *l, struct utc now)
{
	int64_t utc_s = now.ms / 1000, end = utc_s + YEAR_S;
	struct zone_transition t;

	for (; zone_next_transition(l->s->zone, utc_s, &t) && t.utc_s < end; utc_s = t.utc_s) {
		bool is_lost = is_lost_in_gap(l->s, &t);

		if (t.offset_after - t.offset_before >= CALENDAR_JUMP_S ||
		    t.offset_after <= t.offset_before || !(is_lost || fires_in_gap(l->s, &t)))
			continue;
		if (is_lost)
			warn_of_loss(l, &t);
		else
			warn_of_gap(l, &t);
		return;
	}
}

void schedule_lint(const struct schedule *s, struct utc now, schedule_lint_fn *found, void *context)
{
	struct linter l = {.s = s, .found = found, .context = context};
	struct complaints none = {0};

	if (s->kind != KIND_FIELDS)
		return;
	if (!s->from_calendar)
		expression_split(s->text, strlen(s->text), &l.e, &none);
	lint_six_fields(&l);
	lint_steps(&l);
	lint_star(&l);
	lint_either(&l);
	lint_short_months(&l);
	lint_gap(&l, now);
}

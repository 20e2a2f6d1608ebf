/*
 * lint.c - what is legal but likely unmeant (schedule-language.md, section 7),
 * as far as one schedule alone can show it; see schedule.h.
 */
#include <string.h>

#include "civil.h"
#include "expression.h"
#include "month.h"
#include "phrase.h"
#include "reading.h"
#include "words.h"
#include "zone_table.h"

enum { CALENDAR_JUMP_S = 3 * 3600, YEAR_S = 366 * 86400, SIXTY = 60 };
#define ALL_SIXTY    ((UINT64_C(1) << 60) - 1)
#define ALL_DAYS     UINT32_C(0xfffffffe)
#define ALL_WEEKDAYS 0x7f
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

	if (l->e.fields[FIELD_SECOND].at && s->seconds == ALL_SIXTY && s->minutes != ALL_SIXTY)
		WARN(l, fields(l, FIELD_SECOND, FIELD_SECOND, SCHEDULE_TIME),
		     "every second of the minutes given fires, sixty times a minute; write 0 for "
		     "once a minute");
	else if (l->e.fields[FIELD_MINUTE].at && s->minutes == ALL_SIXTY && s->hours != ALL_HOURS)
		WARN(l, fields(l, FIELD_MINUTE, FIELD_MINUTE, SCHEDULE_MINUTE),
		     "every minute of the hours given fires, sixty times an hour; write 0 for "
		     "once an hour");
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

/* Months in which none of the days given comes (in February: not each year). */
static uint64_t months_left_out(const struct schedule *s)
{
	const struct day_rule *r = &s->days;
	uint64_t left_out = 0;
	bool only_february = s->months == 1 << 2;

	if (r->either || r->from_last || r->nearest || r->last_weekday || !r->month_days)
		return 0;
	for (uint32_t left = s->months; left; left &= left - 1) {
		int32_t month = __builtin_ctz(left);
		int32_t length = month_length(only_february ? 2000 : 2001, month);

		if (__builtin_ctz(r->month_days) > length)
			left_out |= UINT64_C(1) << month;
	}
	return left_out;
}

static void lint_short_months(const struct linter *l)
{
	uint64_t months = months_left_out(l->s);
	struct buf names = {0};
	struct phrase_list list = {.out = &names, .last_word = "and"};

	if (!months)
		return;
	for (uint64_t left = months; left; left &= left - 1) {
		phrase_next(&list);
		buf_text(&names, word_months[__builtin_ctzll(left)]);
	}
	phrase_end(&list);
	int32_t day = __builtin_ctz(l->s->days.month_days);
	bool only_leap = months == 1 << 2 && day == 29;
	WARN(l, fields(l, FIELD_MONTH_DAY, FIELD_MONTH_DAY, SCHEDULE_DAY),
	     "%s %s no day %d%s and %s left out; write %s for the last day of each month",
	     buf_string(&names), months & (months - 1) ? "have" : "has", day,
	     only_leap ? " but in leap years" : "", months & (months - 1) ? "are" : "is",
	     l->s->from_calendar ? "\"last\"" : "L");
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

static void lint_gap(const struct linter *l, struct utc now)
{
	int64_t utc_s = now.ms / 1000, end = utc_s + YEAR_S;
	struct zone_transition t;

	for (; zone_next_transition(l->s->zone, utc_s, &t) && t.utc_s < end; utc_s = t.utc_s) {
		if (t.offset_after - t.offset_before >= CALENDAR_JUMP_S || !fires_in_gap(l->s, &t))
			continue;
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
	lint_steps(&l);
	lint_star(&l);
	lint_either(&l);
	lint_short_months(&l);
	lint_gap(&l, now);
}

/* cron.c - cron expressions and macros into schedules (schedule-language.md, section 2). */
#include <string.h>
#include <strings.h>

#include "around.h"
#include "every.h"
#include "expression.h"
#include "lack.h"
#include "month.h"
#include "str.h"
#include "zone_offer.h"

enum { QUOTED_MAX = 40 };

static bool wrong(const struct expression *e, struct span span, struct complaints *complaints,
		  const char *message)
{
	return complain(complaints, (struct place){SCHEDULE_TEXT, 0, e->text, span.at, span.length},
			"%s", message);
}

static bool wrong_zone(const struct expression *e, const struct schedule_context *context,
		       const char *name, const struct err *err, struct complaints *complaints)
{
	struct place place = {SCHEDULE_TEXT, 0, e->text, e->zone.at, e->zone.length};
	char text[256];

	zone_unknown(context->zones, name, err, text, sizeof(text));
	return complain(complaints, place, "%s", text);
}

static bool find_zone(const struct expression *e, const struct schedule_context *context,
		      const struct zone **zone, struct complaints *complaints)
{
	char name[EXPRESSION_MAX + 1];
	struct err err = {{0}};

	*zone = context->zone ? context->zone : zone_utc();
	if (!e->zone.at)
		return true;
	if (!context->zones)
		return wrong(e, e->zone, complaints,
			     "no zones can be named here; use the job's \"timezone\"");
	memcpy(name, e->zone.at, e->zone.length);
	name[e->zone.length] = '\0';
	*zone = context->zones->get(context->zones->context, name, &err);
	return *zone || wrong_zone(e, context, name, &err, complaints);
}

static void fill_days(struct schedule *s, const struct field_value *month_day,
		      const struct field_value *weekday)
{
	struct day_rule *days = &s->days;
	bool has_star = month_day->begins_with_star || weekday->begins_with_star;

	days->month_days = (uint32_t)month_day->set[0];
	days->from_last = month_day->from_last;
	days->nearest = month_day->nearest;
	days->last_weekday = month_day->last_weekday;
	days->weekdays = (uint8_t)weekday->set[0];
	memcpy(days->nth, weekday->nth, sizeof(days->nth));
	days->has_nth = weekday->has_nth;
	days->either = !has_star && !weekday->has_plus;
	days->plain = !days->from_last && !days->nearest && !days->last_weekday && !days->has_nth;
}

static void fill_years(struct schedule *s, const struct field_value *year, bool written)
{
	for (int32_t i = 0; i < YEAR_WORDS; i++)
		s->years[i] = written ? year->set[i] : UINT64_MAX;
	if (!written)
		s->years[YEAR_WORDS - 1] = (UINT64_C(1) << (LAST_YEAR - FIRST_YEAR + 1) % 64) - 1;
}

/* A field as an error quotes it: all of it, or the start of a long one. */
static int quoted(const struct span *span)
{
	return (int)(span->length < QUOTED_MAX ? span->length : QUOTED_MAX);
}

static bool never(const struct expression *e, const struct schedule *s,
		  struct complaints *complaints)
{
	const struct span *f = e->fields;
	const char *end = f[FIELD_WEEKDAY].at + f[FIELD_WEEKDAY].length;
	bool has_year = f[FIELD_YEAR].at != NULL;

	if (has_year)
		end = f[FIELD_YEAR].at + f[FIELD_YEAR].length;
	struct place place = {SCHEDULE_TEXT, 0, e->text, f[FIELD_MONTH_DAY].at,
			      (size_t)(end - f[FIELD_MONTH_DAY].at)};
	struct buf lack = {0};
	if (lack_explains(s, &lack)) {
		complain(complaints, place, "never fires: %s; write L for the last day",
			 buf_string(&lack));
		buf_finish(&lack);
		return false;
	}
	return complain(complaints, place,
			"never fires: no date from 1970 to 2199 has day-of-month %.*s, month %.*s "
			"and day-of-week %.*s%s%.*s",
			quoted(&f[FIELD_MONTH_DAY]), f[FIELD_MONTH_DAY].at, quoted(&f[FIELD_MONTH]),
			f[FIELD_MONTH].at, quoted(&f[FIELD_WEEKDAY]), f[FIELD_WEEKDAY].at,
			has_year ? " in year " : "", has_year ? quoted(&f[FIELD_YEAR]) : 0,
			has_year ? f[FIELD_YEAR].at : "");
}

static bool parse_fields(struct schedule *s, const struct expression *e,
			 struct complaints *complaints)
{
	struct field_value values[FIELD_COUNT] = {0};
	struct field_reader reader = {complaints, e->text, s->name_hash};

	for (int i = 0; i < FIELD_COUNT; i++)
		if (e->fields[i].at &&
		    !field_parse(&reader, (enum field)i, e->fields[i], &values[i]))
			return false;
	s->kind = KIND_FIELDS;
	s->seconds = e->fields[FIELD_SECOND].at ? values[FIELD_SECOND].set[0] : 1;
	s->minutes = values[FIELD_MINUTE].set[0];
	s->hours = (uint32_t)values[FIELD_HOUR].set[0];
	s->months = (uint16_t)values[FIELD_MONTH].set[0];
	s->follows_clock = values[FIELD_SECOND].begins_with_star ||
			   values[FIELD_MINUTE].begins_with_star ||
			   values[FIELD_HOUR].begins_with_star;
	fill_days(s, &values[FIELD_MONTH_DAY], &values[FIELD_WEEKDAY]);
	fill_years(s, &values[FIELD_YEAR], e->fields[FIELD_YEAR].at != NULL);
	return month_can_fire(s) || never(e, s, complaints);
}

/* The macros of crontab(5) are shorthands for expressions. */
static const struct macro {
	const char *name, *fields;
} macros[] = {
	{"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"},
	{"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
	{"@hourly", "0 * * * *"}, {"@reboot", NULL},          {"@every", NULL},
};
enum { MACRO_COUNT = sizeof(macros) / sizeof(macros[0]) };

static bool is_word(struct span span, const char *word)
{
	return span.length == strlen(word) && strncasecmp(span.at, word, span.length) == 0;
}

static bool parse_every(struct schedule *s, const struct expression *e, struct span duration,
			struct complaints *complaints)
{
	char lower[64];

	if (!duration.length)
		return wrong(e, e->body, complaints, "@every needs a duration, as in @every 15m");
	size_t length = duration.length < sizeof(lower) ? duration.length : sizeof(lower);
	for (size_t i = 0; i < length; i++)
		lower[i] = (char)(duration.at[i] |
				  (duration.at[i] >= 'A' && duration.at[i] <= 'Z' ? 0x20 : 0));
	const char *problem = every_parse(lower, length, &s->period);
	if (problem)
		return wrong(e, duration, complaints, problem);
	s->kind = KIND_EVERY;
	return true;
}

static bool unknown_macro(const struct expression *e, struct span word,
			  struct complaints *complaints)
{
	const char *names[MACRO_COUNT];
	char name[32];
	struct place place = {SCHEDULE_TEXT, 0, e->text, word.at, word.length};

	for (size_t i = 0; i < MACRO_COUNT; i++)
		names[i] = macros[i].name;
	size_t length = word.length < sizeof(name) ? word.length : sizeof(name) - 1;
	memcpy(name, word.at, length);
	name[length] = '\0';
	const char *near = length > 2 ? str_nearest(name, names, MACRO_COUNT) : NULL;
	if (near)
		return complain(complaints, place, "unknown macro \"%s\"; did you mean %s?", name,
				near);
	return complain(complaints, place,
			"unknown macro \"%s\"; there are @yearly, @monthly, @weekly, @daily, "
			"@hourly, @every and @reboot",
			name);
}

static bool parse_macro(struct schedule *s, const struct expression *e,
			struct complaints *complaints)
{
	const char *end = e->body.at + e->body.length, *at = e->body.at;
	size_t i = 0;

	while (at < end && *at != ' ' && *at != '\t')
		at++;
	struct span word = {e->body.at, (size_t)(at - e->body.at)};
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	struct span rest = {at, (size_t)(end - at)};
	while (i < MACRO_COUNT && !is_word(word, macros[i].name))
		i++;
	if (i == MACRO_COUNT)
		return unknown_macro(e, word, complaints);
	if (is_word(word, "@every"))
		return parse_every(s, e, rest, complaints);
	if (rest.length)
		return wrong(e, rest, complaints, "nothing may follow the macro");
	if (!macros[i].fields) {
		s->kind = KIND_REBOOT;
		return true;
	}
	struct expression fields;
	return expression_split(macros[i].fields, strlen(macros[i].fields), &fields, complaints) &&
	       parse_fields(s, &fields, complaints);
}

size_t schedule_parse_cron(struct arena *arena, const char *text, size_t length,
			   const struct schedule_context *context, const struct schedule **out,
			   struct schedule_error *errors, size_t max)
{
	struct complaints complaints = {errors, max, 0};
	const char *name = context->job_name ? context->job_name : "";
	struct schedule s = {.name_hash = str_hash(STR_HASH_INIT, name, strlen(name))};
	struct expression e;

	bool ok =
		expression_split(text, length, &e, &complaints) &&
		find_zone(&e, context, &s.zone, &complaints) &&
		(e.is_macro ? parse_macro(&s, &e, &complaints) : parse_fields(&s, &e, &complaints));
	if (!s.zone)
		s.zone = context->zone ? context->zone : zone_utc();
	bool around = around_apply(&s, arena, context, &complaints);
	if (!ok || !around)
		return complaints.count;
	s.text = arena_copy(arena, text, length);
	struct schedule *made = arena_new(arena, struct schedule);
	*made = s;
	*out = made;
	return 0;
}

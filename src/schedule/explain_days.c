/* explain_days.c - the days, months and years in English; see explain.h. */
#include "explain.h"

#include "phrase.h"
#include "words.h"

#define ALL_DAYS     UINT32_C(0xfffffffe)
#define ALL_WEEKDAYS 0x7f
#define ALL_MONTHS   0x1ffe

static struct phrase_list list_of(struct buf *out, const char *last_word)
{
	return (struct phrase_list){.out = out, .last_word = last_word};
}

static void months(const struct schedule *s, const char *before, const char *every, struct buf *out)
{
	uint64_t set = s->months;
	struct phrase_list list = list_of(out, "and");

	if (set == ALL_MONTHS) {
		buf_text(out, every);
		return;
	}
	buf_text(out, before);
	phrase_set(&list, &set, 1, 0, "", phrase_month);
	phrase_end(&list);
}

static void years(const struct schedule *s, struct buf *out)
{
	struct phrase_list list = list_of(out, "and");
	int32_t count = 0;

	for (int32_t i = 0; i < YEAR_WORDS; i++)
		count += __builtin_popcountll(s->years[i]);
	if (count == LAST_YEAR - FIRST_YEAR + 1)
		return;
	buf_text(out, " in ");
	phrase_set(&list, s->years, YEAR_WORDS, FIRST_YEAR, "", phrase_number);
	phrase_end(&list);
}

/* "the 1st, the 15th and the last day" */
static void dates(const struct day_rule *r, struct buf *out)
{
	struct phrase_list list = list_of(out, "and");
	uint64_t days = r->month_days;

	phrase_set(&list, &days, 1, 0, "the ", phrase_ordinal);
	for (uint32_t left = r->nearest; left; left &= left - 1) {
		phrase_next(&list);
		buf_text(out, "the weekday (Monday to Friday) nearest to the ");
		phrase_ordinal(out, __builtin_ctz(left));
	}
	for (uint32_t left = r->from_last; left; left &= left - 1) {
		int32_t back = __builtin_ctz(left);

		phrase_next(&list);
		if (back)
			buf_format(out, "the day %d day%s before the last", back,
				   back == 1 ? "" : "s");
		else
			buf_text(out, "the last day");
	}
	if (r->last_weekday) {
		phrase_next(&list);
		buf_text(out, "the last weekday (Monday to Friday)");
	}
	phrase_end(&list);
}

/* Weekdays from Monday to Sunday, as people count them. */
static uint64_t monday_first(uint8_t weekdays)
{
	return (weekdays & 0x7e) | (uint64_t)(weekdays & 1) << 7;
}

static void nth_pieces(const struct day_rule *r, struct phrase_list *list)
{
	for (int32_t weekday = 1; weekday <= 7; weekday++)
		for (uint32_t left = r->nth[weekday % 7]; left; left &= left - 1) {
			phrase_next(list);
			buf_format(list->out, "the %s %s", word_nth[__builtin_ctz(left)],
				   word_weekdays[weekday % 7]);
		}
}

/* "a Monday, a Tuesday or the second Friday", after "if it is". */
static void weekday_condition(const struct day_rule *r, struct buf *out)
{
	struct phrase_list list = list_of(out, "or");
	uint64_t set = monday_first(r->weekdays);

	phrase_set(&list, &set, 1, 0, "a ", phrase_weekday);
	nth_pieces(r, &list);
	phrase_end(&list);
}

/* "every Monday and Thursday", "on the second Monday of every month", or both. */
static void weekdays(const struct schedule *s, struct buf *out)
{
	struct phrase_list list = list_of(out, "and"), nth = list_of(out, "and");
	uint64_t set = monday_first(s->days.weekdays);

	if (set) {
		buf_text(out, "every ");
		phrase_set(&list, &set, 1, 0, "", phrase_weekday);
		phrase_end(&list);
		if (!s->days.has_nth)
			months(s, " in ", "", out);
		else
			buf_text(out, " and ");
	}
	if (s->days.has_nth) {
		buf_text(out, "on ");
		nth_pieces(&s->days, &nth);
		phrase_end(&nth);
		months(s, " of ", " of every month", out);
	}
}

static bool names_dates(const struct day_rule *r)
{
	return (r->month_days & ALL_DAYS) != ALL_DAYS;
}

static bool names_weekdays(const struct day_rule *r)
{
	return r->weekdays != ALL_WEEKDAYS;
}

static bool is_every_day(const struct day_rule *r)
{
	return r->either ? !names_dates(r) || !names_weekdays(r)
			 : !names_dates(r) && !names_weekdays(r);
}

static void restricted_days(const struct schedule *s, struct buf *out)
{
	const struct day_rule *r = &s->days;

	if (names_dates(r)) {
		buf_text(out, "on ");
		dates(r, out);
		months(s, " of ", " of every month", out);
	}
	if (names_dates(r) && names_weekdays(r)) {
		buf_text(out, r->either ? " and " : " if it is ");
		if (!r->either) {
			weekday_condition(r, out);
			return;
		}
	}
	if (names_weekdays(r))
		weekdays(s, out);
}

void explain_days(const struct schedule *s, bool times_say_every, struct buf *out)
{
	bool every_month = s->months == ALL_MONTHS;

	if (!is_every_day(&s->days)) {
		/* "every second, every Tuesday" */
		buf_text(out, times_say_every && !names_dates(&s->days) && s->days.weekdays ? ", "
											    : " ");
		restricted_days(s, out);
	} else if (!every_month || !times_say_every) {
		buf_text(out, " every day");
		months(s, " in ", "", out);
	}
	years(s, out);
}

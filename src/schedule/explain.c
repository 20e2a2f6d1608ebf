/* explain.c - one plain English sentence for a schedule; see schedule.h. */
#include "explain.h"

#include "civil.h"
#include "phrase.h"
#include "str.h"
#include "words.h"
#include "zone_table.h"

static void date(struct buf *out, int64_t day)
{
	struct civil_date d = civil_from_days(day);

	buf_format(out, "%d %s %d", d.day, word_months[d.month], d.year);
}

static int64_t reading_at(const struct schedule *s, int64_t utc_s)
{
	return utc_s + zone_offset(s->zone, utc_s);
}

/* "24 December 2026 at 18:00", as the zone's clock shows it. */
static void moment(const struct schedule *s, struct buf *out, int64_t utc_s)
{
	int64_t reading = reading_at(s, utc_s);
	int64_t day = reading / DAY_S - (reading % DAY_S < 0);
	int32_t time = (int32_t)(reading - day * DAY_S);

	date(out, day);
	buf_format(out, " at %02d:%02d", time / 3600, time / 60 % 60);
	if (time % 60)
		buf_format(out, ":%02d", time % 60);
}

static bool unit(struct buf *out, int64_t *rest, int64_t size, const char *word, bool first)
{
	int64_t count = *rest / size;

	if (!count)
		return false;
	*rest %= size;
	if (!first)
		buf_text(out, *rest ? ", " : " and ");
	if (count == 1 && first && !*rest)
		buf_text(out, word);
	else
		buf_format(out, "%lld %s%s", (long long)count, word, count == 1 ? "" : "s");
	return true;
}

/* "15 minutes", "1 hour and 30 minutes", "day" for one of a unit. */
static void duration(struct buf *out, int64_t seconds)
{
	bool said = unit(out, &seconds, DAY_S, "day", true);

	said |= unit(out, &seconds, 3600, "hour", !said);
	said |= unit(out, &seconds, 60, "minute", !said);
	unit(out, &seconds, 1, "second", !said);
}

static void every(const struct schedule *s, struct buf *out)
{
	buf_text(out, "every ");
	duration(out, s->period);
	buf_text(out, ", counted from ");
	if (s->origin == 0)
		buf_text(out, "1 January 1970 at 00:00 UTC");
	else
		moment(s, out, s->origin);
}

static void yearly_exceptions(const struct exceptions *except, struct phrase_list *list)
{
	for (int32_t month = 1; month <= 12; month++)
		for (uint32_t left = except->yearly[month]; left; left &= left - 1) {
			phrase_next(list);
			buf_format(list->out, "every %d %s", __builtin_ctz(left),
				   word_months[month]);
		}
}

static void exceptions(const struct exceptions *except, struct buf *out)
{
	struct phrase_list list = {.out = out, .last_word = "and"};

	buf_text(out, ", except on ");
	for (size_t i = 0; i < except->count; i++) {
		phrase_next(&list);
		date(out, except->ranges[i].first);
		if (except->ranges[i].last == except->ranges[i].first)
			continue;
		buf_text(out, " to ");
		date(out, except->ranges[i].last);
	}
	yearly_exceptions(except, &list);
	phrase_end(&list);
}

static void around(const struct schedule *s, struct buf *out)
{
	char text[DURATION_TEXT_MAX];
	bool has_start = s->not_before > 0 && s->kind != KIND_EVERY;
	bool has_end = s->not_from < READINGS_END;

	if (has_start) {
		buf_text(out, ", from ");
		moment(s, out, s->not_before);
	}
	if (has_end) {
		buf_text(out, ", until before ");
		moment(s, out, s->not_from);
	}
	if (s->except)
		exceptions(s->except, out);
	if (s->jitter_ms)
		buf_format(out, ", each by less than %s later",
			   str_duration_format(s->jitter_ms, text));
}

void schedule_explain(const struct schedule *s, struct buf *sentence)
{
	switch ((enum schedule_kind)s->kind) {
	case KIND_FIELDS: explain_days(s, explain_times(s, sentence), sentence); break;
	case KIND_EVERY: every(s, sentence); break;
	case KIND_AT:
		buf_text(sentence, "once, on ");
		moment(s, sentence, s->origin);
		break;
	case KIND_REBOOT: buf_text(sentence, "once each time the service starts"); break;
	}
	around(s, sentence);
}

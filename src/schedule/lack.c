/* lack.c - days that months do not have; see lack.h. */
#include "lack.h"

#include "month.h"
#include "phrase.h"
#include "words.h"

enum { LEAP_YEAR = 2000, COMMON_YEAR = 2001 };

uint32_t lack_months(const struct schedule *s, bool is_leap)
{
	const struct day_rule *r = &s->days;
	uint32_t months = 0;

	if (r->either || r->from_last || r->nearest || r->last_weekday || !r->month_days)
		return 0;
	for (uint32_t left = s->months; left; left &= left - 1) {
		int32_t month = __builtin_ctz(left);

		if (__builtin_ctz(r->month_days) >
		    month_length(is_leap ? LEAP_YEAR : COMMON_YEAR, month))
			months |= UINT32_C(1) << month;
	}
	return months;
}

void lack_say_months(uint32_t months, struct buf *out)
{
	struct phrase_list list = {.out = out, .last_word = "and"};

	for (uint32_t left = months; left; left &= left - 1) {
		phrase_next(&list);
		buf_text(out, word_months[__builtin_ctz(left)]);
	}
	phrase_end(&list);
	buf_text(out, months & (months - 1) ? " have" : " has");
}

bool lack_explains(const struct schedule *s, struct buf *out)
{
	uint32_t months = lack_months(s, true);
	uint64_t days = s->days.month_days;
	struct phrase_list list = {.out = out, .last_word = "or"};

	if (!months || months != s->months)
		return false;
	lack_say_months(months, out);
	buf_text(out, " no day ");
	list.pending = out->length;
	phrase_set(&list, &days, 1, 0, "", phrase_number);
	phrase_end(&list);
	return true;
}

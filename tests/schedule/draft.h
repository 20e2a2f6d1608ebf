/*
 * draft.h - random schedules that know what they mean without our parser.
 *
 * A draft holds each field as plain values and rules, and is written out as a
 * cron expression. Whether a wall clock reading matches is decided here by the
 * words of docs/schedule-language.md, as naively as possible.
 */
#ifndef DRAFT_H
#define DRAFT_H

#include <stdbool.h>
#include <stdint.h>

/* A stream of pseudo-random numbers, the same for the same seed. */
struct dice {
	uint64_t state;
};
uint32_t dice_roll(struct dice *dice, uint32_t range); /* 0 to range - 1 */

/* A reading of the clock. */
struct reading {
	int year, month, day, hour, minute, second;
	int weekday; /* 0 is Sunday */
};
struct reading reading_at_local(int64_t local_s);

struct draft {
	char text[512];
	bool second[60], minute[60], hour[24], day[32], month[13], weekday[7], year[230];
	bool last_minus[31], nearest[32], last_working;
	bool nth[7][6]; /* [weekday][1-5]; 0 stands for the last */
	bool day_star, weekday_star, plus, has_second, has_year;
	bool follows_clock;
};

/* Values are drawn near the reading, so that fires happen around it. */
void draft_roll(struct draft *draft, struct dice *dice, const struct reading *near);
bool draft_day_matches(const struct draft *draft, const struct reading *reading);
bool draft_matches(const struct draft *draft, const struct reading *reading);

#endif

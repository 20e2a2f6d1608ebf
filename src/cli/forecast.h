/*
 * forecast.h - a forecast made, and the ways to hand it out.
 */
#ifndef BELFRY_FORECAST_H
#define BELFRY_FORECAST_H

#include "err.h"
#include "forecast_remedy.h"
#include "mem.h"

struct forecast_answer {
	const char *file;
	bool is_coming_week;                 /* from now, as nobody asked for another window */
	size_t reboot_count, disabled_count; /* jobs left out */
	struct forecast_question question;
	struct forecast forecast;
	struct pile_up pile_ups[PILE_UPS_MAX];
	size_t pile_up_count;
};

void forecast_show(const struct forecast_answer *answer, struct buf *out);
void forecast_json(const struct forecast_answer *answer, struct buf *out);
/* An iCalendar (RFC 5545) with one event for each start. */
void forecast_ics(const struct forecast_question *question, struct utc now, struct buf *out);

#endif

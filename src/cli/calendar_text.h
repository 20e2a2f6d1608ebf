/*
 * calendar_text.h - a calendar form written as JSON on the command line:
 * {"every": "week", "weekday": "monday", "time": "10:00"}.
 */
#ifndef BELFRY_CALENDAR_TEXT_H
#define BELFRY_CALENDAR_TEXT_H

#include "err.h"
#include "mem.h"
#include "schedule.h"

bool calendar_text_is(const char *text);
/* False: the message says what is wrong. All of form lives in the arena. */
bool calendar_text_read(struct arena *arena, const char *text, struct calendar_form *form,
			struct err *err);
/* The member that an error is about, and its offending text ("" where there is none). */
const char *calendar_text_key(enum schedule_part part);
const char *calendar_text_value(const struct calendar_form *form,
				const struct schedule_error *error);

#endif

/*
 * posixtz.h - the POSIX TZ rule in a TZif footer ("CET-1CEST,M3.5.0,M10.5.0/3").
 *
 * RFC 9636, section 3.3.1: POSIX.1-2024 TZ strings, rule times from -167 to 167
 * hours. Such a rule says what holds after a file's last transition.
 */
#ifndef BELFRY_POSIXTZ_H
#define BELFRY_POSIXTZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum { POSIXTZ_NAME_MAX = 32 };

/* "M3.2.0/2" (month, week, weekday), "J60" (60th day, 29 February never counted)
 * or "59" (days since 1 January). */
enum posixtz_form { POSIXTZ_MONTH_WEEK, POSIXTZ_DAY_NO_LEAP, POSIXTZ_DAY };

struct posixtz_date {
	enum posixtz_form form;
	int32_t month, week; /* MONTH_WEEK only; week 5 is the last */
	int32_t day;         /* weekday 0-6, or the day's number */
	int32_t time_s;      /* on the wall clock, from that day's midnight */
};

struct posixtz {
	char std_name[POSIXTZ_NAME_MAX], dst_name[POSIXTZ_NAME_MAX];
	int32_t std_offset, dst_offset; /* seconds east of UTC */
	bool has_dst;
	struct posixtz_date start, end; /* of daylight saving time */
};

/* The whole of text[0..length). False with the byte that is wrong. */
bool posixtz_parse(const char *text, size_t length, struct posixtz *rule, struct err *err);

/* When daylight saving time starts and ends in a year, in UTC seconds. Where it
 * is summer over New Year the end comes first. Only for rules that have it. */
struct posixtz_year {
	int64_t start, end;
};
struct posixtz_year posixtz_year(const struct posixtz *rule, int32_t year);

#endif

/*
 * field.h - the grammar of one field of a cron expression (schedule-language.md,
 * section 2).
 */
#ifndef BELFRY_FIELD_H
#define BELFRY_FIELD_H

#include "complaint.h"
#include "rule.h"

/* In the order in which they are written. */
enum field {
	FIELD_SECOND,
	FIELD_MINUTE,
	FIELD_HOUR,
	FIELD_MONTH_DAY,
	FIELD_MONTH,
	FIELD_WEEKDAY,
	FIELD_YEAR
};
enum { FIELD_COUNT = FIELD_YEAR + 1 };

struct field_kind {
	const char *word; /* "day-of-month" */
	int32_t least, most;
	int32_t open_end;         /* where "a/n" and "*" end */
	const char *const *names; /* three letters; of least_name, least_name + 1, … */
	int32_t name_count, least_name;
	const char *like; /* what the field takes, for errors */
};

const struct field_kind *field_kind(enum field field);

/* A piece of the expression. */
struct span {
	const char *at;
	size_t length;
};

struct field_value {
	uint64_t set[YEAR_WORDS]; /* years from 1970; weekday 7 is 0 */
	uint32_t from_last, nearest;
	uint8_t nth[7];
	bool last_weekday, has_nth;
	bool begins_with_star; /* or with "?" */
	bool has_plus;
};

struct field_reader {
	struct complaints *complaints;
	const char *text;   /* the whole expression, for columns */
	uint64_t name_hash; /* for H */
};

/* False after one complaint. value is zeroed by the caller. */
bool field_parse(const struct field_reader *reader, enum field field, struct span span,
		 struct field_value *value);

#endif

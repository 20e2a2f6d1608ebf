/*
 * expression.h - a cron expression cut into its pieces: zone, macro or fields.
 */
#ifndef BELFRY_EXPRESSION_H
#define BELFRY_EXPRESSION_H

#include "field.h"

enum { EXPRESSION_MAX = 1024 };

struct expression {
	const char *text;
	struct span zone;                /* of CRON_TZ= or TZ=; at NULL for none */
	struct span body;                /* what follows, trimmed */
	bool is_macro;                   /* the body begins with "@" */
	size_t count;                    /* of fields as written: 5, 6 or 7 */
	struct span fields[FIELD_COUNT]; /* by enum field; at NULL where not written */
};

/* False after one complaint. */
bool expression_split(const char *text, size_t length, struct expression *out,
		      struct complaints *complaints);

#endif

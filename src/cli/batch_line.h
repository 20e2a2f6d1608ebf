/*
 * batch_line.h - one line of `belfry next --batch` (schedule-language.md, section 8).
 *
 * In:  {"expr": "...", "tz": "Zone", "from": "RFC 3339", "n": 5, "name": "..."}
 * Out: {"next": ["2026-03-29T01:00:00Z", …]}, or
 *      {"error": {"message": "...", "where": "expr", "column": 5, "length": 1}}
 *
 * tz is UTC, n is 1 and name is "" where absent; other members are ignored.
 * "where" names the member that is wrong ("line" for broken JSON) and column
 * counts its bytes from 1.
 */
#ifndef BELFRY_BATCH_LINE_H
#define BELFRY_BATCH_LINE_H

#include <stddef.h>

#include "buf.h"
#include "zone.h"

enum { BATCH_FIRES_MAX = 10000 };

/* Any bytes are answered. Adds one line to out, without its line break. */
void schedule_batch_line(const char *line, size_t length, const struct zone_source *zones,
			 struct buf *out);

#endif

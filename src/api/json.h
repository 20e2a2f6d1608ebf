/*
 * json.h - jobs and health as JSON: shapes that the API promises; those of runs are in
 * model/record_json.h. Pure.
 *
 * Each writes one object; key NULL makes it an item of an array or a whole text.
 */
#ifndef BELFRY_JSON_H
#define BELFRY_JSON_H

#include "api.h"
#include "buf.h"
#include "lateness.h"
#include "record.h"

/* A job, with what belfry knows of how it is doing. */
struct job_view {
	const struct job *job;
	const struct pause *pause; /* NULL: it is not paused */
	struct utc next;           /* UTC_NONE: it will not fire */
	const uint64_t *running;   /* ids of runs that are not finished */
	size_t running_count;
	const struct job_summary *summary;
	/* Where it is asked for alone; else NULL, and neither is told. */
	const struct lateness *lateness;
	const struct downtime *downtime; /* NULL: none lately */
};

void json_job(struct buf *out, const char *key, const struct job_view *view);
void json_lateness(struct buf *out, const char *key, const struct lateness *lateness);
/* NULL is null. */
void json_downtime(struct buf *out, const char *key, const struct downtime *downtime);
void json_health(struct buf *out, const struct api_health *health, const struct api_world *world,
		 struct utc now);

#endif

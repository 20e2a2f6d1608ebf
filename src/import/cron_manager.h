/*
 * cron_manager.h - cron-manager's schedules, from its file or its database.
 */
#ifndef BELFRY_IMPORT_CRON_MANAGER_H
#define BELFRY_IMPORT_CRON_MANAGER_H

#include "entry.h"

/* One schedule as cron-manager has it. Texts NULL where not there. */
struct cm_schedule {
	struct import_place at;
	struct import_place schedule_at;
	bool is_verbatim; /* the schedule's text stands at schedule_at as it is */
	const char *name, *app, *schedule, *region;
	const char *command;      /* a text */
	const char *command_json; /* a list, as JSON; in place of command */
	const char *config;       /* JSON */
	int64_t timeout_s;        /* 0: not there */
	bool has_enabled, enabled;
};

/* NULL where it has no result. */
struct import_entry *cron_manager_add(struct import *im, const struct cm_schedule *schedule);
/* What holds for all of them. */
void cron_manager_remark(struct import *im, struct import_place at);

#endif

/*
 * loader.h - what the readers of a file share while it becomes a generation.
 *
 * The order of work: one checking pass over the text (json_check), then the
 * top-level keys wherever they stand, "defaults", each job, and last what only
 * all jobs together show (check.c).
 */
#ifndef BELFRY_LOADER_H
#define BELFRY_LOADER_H

#include "config.h"
#include "draft.h"
#include "intern.h"
#include "report.h"
#include "schedule_share.h"

/* Environment variables of all jobs, those of "defaults" counted for each: a few lines
 * could otherwise become gigabytes. */
enum { ENV_MAX = 4000000 };

/* Where a job's name and schedule stand, for what only all jobs together show. */
struct job_place {
	size_t index; /* in its list */
	struct spot name, schedule, was, group_limit;
};

struct loader {
	struct json_reader json;
	struct report report;
	const struct config_world *world;
	struct zone_source zones; /* the world's; offers names only while findings are kept */
	struct arena *arena;      /* the generation's */
	struct arena scratch;     /* of the job being read */
	struct intern texts;
	struct schedule_share schedules;

	bool is_cron_manager, in_defaults;
	bool is_list;               /* the root is the list of jobs */
	const char *job_name;       /* of the job being read; NULL while unknown */
	struct draft base;          /* what a job begins as: our defaults, then the file's */
	size_t defaults_at;         /* of the file; 0: it has none */
	bool is_told[KEY_COUNT];    /* faults of "defaults" that only a job shows */
	size_t env_count;           /* of all jobs */
	size_t untimed;             /* jobs of cron-manager's form without a timeout */
	struct job *jobs;           /* with malloc while they come in */
	struct around_hash *around; /* beside each */
	struct job_place *places;   /* beside each */
	size_t job_count, job_capacity;
};

/* A generation with what only config/ needs. */
struct generation {
	struct config config; /* first: the outside holds a pointer to it */
	struct job *jobs;     /* config.jobs, to be freed */
	struct around_hash *around;
	const struct job **by_name; /* sorted; as many as there are jobs */
	size_t defaults_at;         /* where the object "defaults" begins; 0: there is none */
};

/* loader.c: findings. All return false. */
bool loader_tell(struct loader *l, enum severity severity, size_t at, size_t length,
		 const char *format, ...) __attribute__((format(printf, 5, 6)));
/* About a key of the job that was read: its value, or its job where not written. */
bool tell_key(struct loader *l, const struct draft *d, enum key key, enum severity severity,
	      const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The path of such a key, in the scratch. */
const char *path_of_key(struct loader *l, const struct draft *d, enum key key);
static inline bool is_written(const struct draft *d, enum key key)
{
	return d->spots[key].length > 0;
}
/* Written in the job itself, not in "defaults". */
static inline bool is_own(const struct draft *d, enum key key)
{
	return is_written(d, key) && !d->spots[key].is_default;
}
/* Goes back to a member of the job read last; leave goes forth again. */
struct visit {
	size_t at;
};
struct visit visit_key(struct loader *l, const struct draft *d, enum key key);
void visit_leave(struct loader *l, struct visit visit);

/* value.c and the files beside it: the value that comes next, by its row; faults are told. */
void value_read(struct loader *l, struct draft *d, enum key key);
/* The members of the object that comes next; `d` records the object as `key`. */
void value_members(struct loader *l, struct draft *d, enum key parent);
/* The string next, decoded and, where asked for, with ${…} expanded; NULL with a
 * finding. *is_secret: came from the environment. In the scratch. */
const char *value_text(struct loader *l, bool is_expanded, bool *is_secret);
/* text, whose decoded byte 0 is byte `from` of piece, expanded. */
const char *value_expand(struct loader *l, struct json_piece piece, size_t from, const char *text,
			 bool *is_secret);

/* defaults.c */
void defaults_builtin(struct loader *l);
void defaults_read(struct loader *l);

/* job_read.c: the object that comes next. */
void job_read(struct loader *l);
/* schedule_read.c and executor_read.c: the job is read, but for these. */
void schedule_read(struct loader *l, struct draft *d);
void executor_read(struct loader *l, struct draft *d);
/* verify_read.c: the executor is "verify" */
void verify_read(struct loader *l, struct draft *d);
/* native_read.c: the job is read; "fly.native", if it is said */
void native_read(struct loader *l, struct draft *d);
/* hash.c */
void hash_job(struct job *job, const struct around_hash *around);
/* One key of a job, with the keys below it. */
uint64_t hash_key(const struct job *job, const struct around_hash *around, enum key key);
void hash_content(const char *text, size_t length, char hex[65]);
uint32_t hash_short(uint64_t hash);
/* check.c: sorted, by name, has room for all jobs; those without a name are left out. */
void check_jobs(struct loader *l, const struct job **sorted);
/* About a member of a job that was read long ago. */
void check_tell(struct loader *l, enum severity severity, const struct job *job, const char *member,
		const struct spot *spot, const char *message);
/* check_names.c: gives all jobs of a group its limit; tells where they differ. */
void check_groups(struct loader *l);
/* `sorted` by name, `named` of them. */
void check_formers(struct loader *l, const struct job *const *sorted, size_t named);

#endif

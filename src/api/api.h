/*
 * api.h - the HTTP API: asks the store, hands wishes to the engine's owner.
 *
 * It writes no state. What it needs to know of the daemon it reads from struct
 * api_world; what it wants done, or only the engine knows, goes through struct
 * api_doors. The routes are one table, in routes.c.
 */
#ifndef BELFRY_API_H
#define BELFRY_API_H

#include "err.h"
#include "http_address.h"
#include "http_forwarded.h"
#include "http_tls.h"
#include "job.h"
#include "loop.h"
#include "mem.h"
#include "pause.h"
#include "run.h"
#include "store.h"

struct api;

/* Kept current by its owner between calls; the API only reads it. */
struct api_world {
	const struct job *jobs; /* in force, in the order of the file */
	size_t job_count;
	int64_t revision;
	struct store *store;
	const char *version;
	/* That may be used; none: whoever reaches the API may do all. */
	const struct token *tokens;
	size_t token_count;
	bool is_exposed; /* it listens beyond this machine */
	struct utc started_at;
};

struct api_health {
	size_t running, waiting;   /* runs an executor is busy with; recorded, not started */
	const char *store_failure; /* why it takes no records; NULL while it does */
	const char *config_error;  /* why the file as it is now is refused; NULL if it is not */
	const char *zone_trouble;  /* which zones go by older rules, and why; NULL if none does */
	bool is_stopping;          /* nothing more is started */
};

enum api_format { API_FORMAT_JSON, API_FORMAT_TEXT, API_FORMAT_MARKDOWN };

enum api_deploy_status {
	API_DEPLOY_DONE,           /* planned; applied, where something differed */
	API_DEPLOY_BAD_FILE,       /* see findings */
	API_DEPLOY_FOLLOWS_FILE,   /* the daemon follows a file; nothing is applied here */
	API_DEPLOY_OTHER_REVISION, /* than the one expected */
	API_DEPLOY_STORE_FAILED,
	API_DEPLOY_STOPPING,
};

/* A schedules.json to be planned or applied. */
struct api_deploy {
	const char *text; /* borrowed for the call, as all that goes in */
	size_t length;
	bool is_applied;    /* else it is only planned */
	const char *before; /* plan against this text; NULL: what is in force */
	size_t before_length;
	int64_t against_revision;              /* of `before`; filled in where that is NULL */
	const char *author, *message, *source; /* message may be NULL */
	int64_t expect;                        /* the revision in force must be this; -1: any */
	enum api_format format;                /* of `rendered` */

	/* Out. */
	enum api_deploy_status status;
	int64_t revision;     /* in force now */
	bool is_same_content; /* nothing was to be applied */
	struct buf *plan;     /* JSON, unless the file is bad */
	struct buf *rendered; /* the plan for people; unless format is JSON */
	struct buf *findings; /* a JSON array, of a bad file */
};

typedef void api_run_fn(void *context, const struct run *run);

/* Where the text of /metrics goes on; zeroed at its beginning. */
struct api_metrics_place {
	size_t family, job;
	bool is_store_failing; /* which is asked no more for this text */
};

struct api_doors {
	/* A run of the job, now: its id, or 0 and *why in arena. On return its claim is
	 * durable, or find_run knows it. */
	uint64_t (*trigger)(void *context, const char *job, bool is_dry_run, struct arena *arena,
			    const char **why);
	/* Asks a run that find_run knows to end. */
	void (*cancel)(void *context, uint64_t run);
	/* Nothing of the job starts by itself from now on, durably; false and *why in arena
	 * where it cannot be. */
	bool (*pause)(void *context, const struct pause *pause, struct arena *arena,
		      const char **why);
	/* It does again; nothing where it is not paused. by may be NULL. */
	void (*resume)(void *context, const char *job, const char *by);
	/* NULL where the job is not paused; borrowed until the next call. */
	const struct pause *(*find_pause)(void *context, const char *job);
	/* The run while it is not finished, else NULL; borrowed until the next call. */
	const struct run *(*find_run)(void *context, uint64_t run);
	/* All that are not finished, in no order. */
	void (*each_run)(void *context, api_run_fn *fn, void *fn_context);
	bool (*next_fire)(void *context, const char *job, struct utc *at);
	/* Texts live in arena. */
	void (*health)(void *context, struct arena *arena, struct api_health *health);
	/* Adds the next piece of all metrics, some kilobytes, and moves place behind it.
	 * False: that was the last one. */
	bool (*metrics)(void *context, struct api_metrics_place *place, bool is_openmetrics,
			struct buf *out);
	struct utc (*now)(void *context);
	void (*deploy)(void *context, struct arena *arena, struct api_deploy *deploy);
	/* The file in force in its canonical form. */
	bool (*export)(void *context, struct buf *out, struct err *err);
	/* The job as a revision's file has it, as members of an object; false: it has none. */
	bool (*job_written)(void *context, const struct revision *revision, const char *job,
			    struct buf *out);
	struct mono (*mono)(void *context);
	/* Makes a token durable, new or revoked, and `world` knows of it; false: it is not. */
	bool (*token)(void *context, const struct token *token);
	/* Something was asked to be changed; its number is not set. */
	void (*audit)(void *context, const struct audit *audit);
	/* Somebody was turned away; who may be NULL. */
	void (*denied)(void *context, const char *address, const char *who, const char *why);
	void *context;
};

struct api_options {
	const struct http_address *address;
	const struct http_tls *tls;    /* NULL: without TLS */
	struct http_proxies proxies;   /* who may say for whom they ask */
	const struct api_world *world; /* borrowed */
	struct api_doors doors;
};

/* Listens from now on. */
struct api *api_create(struct loop *loop, const struct api_options *options, struct err *err);
/* Before it is destroyed: sends what it owes to who has asked already, for some seconds. */
void api_drain(struct api *api);
void api_destroy(struct api *api);
/* Where it listens, the port taken included. */
const struct http_address *api_address(const struct api *api);
/* Output or the end of that run has been committed: whoever follows it is told. */
void api_run_changed(struct api *api, uint64_t run);
/* Another revision is in force. */
void api_revision_changed(struct api *api, int64_t number);

struct api_call; /* a request being answered; the handlers' own */
typedef void api_handler_fn(struct api_call *call);

enum api_about {
	API_ABOUT_NOTHING, /* nothing of any job */
	API_ABOUT_ALL,     /* all jobs */
	API_ABOUT_JOB,     /* the job of the path */
	API_ABOUT_RUN,     /* the run of the path */
	API_ABOUT_FILTER,  /* the job of the query, or all */
};

struct api_route {
	const char *method;
	const char *pattern; /* "/api/v1/runs/{id}/log" */
	const char *summary;
	api_handler_fn *handler;
	bool takes_file; /* its body is a schedules.json, which may be long */
	bool is_open;    /* to everybody */
	enum scope scope;
	enum api_about about; /* whom a token for some jobs only is held against */
	const char *action;   /* for the audit log; NULL: it changes nothing */
};
/* The whole table. */
size_t api_routes(const struct api_route **rows);

#endif

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
};

struct api_health {
	size_t running, waiting;   /* runs an executor is busy with; recorded, not started */
	const char *store_failure; /* why it takes no records; NULL while it does */
	const char *config_error;  /* why the file as it is now is refused; NULL if it is not */
	const char *zone_trouble;  /* which zones go by older rules, and why; NULL if none does */
};

typedef void api_run_fn(void *context, const struct run *run);

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
	struct utc (*now)(void *context);
	void *context;
};

/* Listens from now on; world is borrowed, doors are copied. */
struct api *api_create(struct loop *loop, const struct http_address *address,
		       const struct api_world *world, const struct api_doors *doors,
		       struct err *err);
void api_destroy(struct api *api);
/* Where it listens, the port taken included. */
const struct http_address *api_address(const struct api *api);
/* Output or the end of that run has been committed: whoever follows it is told. */
void api_run_changed(struct api *api, uint64_t run);

struct api_call; /* a request being answered; the handlers' own */
typedef void api_handler_fn(struct api_call *call);

struct api_route {
	const char *method;
	const char *pattern; /* "/api/v1/runs/{id}/log" */
	const char *summary;
	api_handler_fn *handler;
};
/* The whole table. */
size_t api_routes(const struct api_route **rows);

#endif

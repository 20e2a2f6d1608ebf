/* internal.h - what the API's files share, and nobody else sees. */
#ifndef BELFRY_API_INTERNAL_H
#define BELFRY_API_INTERNAL_H

#include "api.h"
#include "events.h"
#include "http_server.h"
#include "lateness.h"
#include "throttle.h"

enum { API_FILE_MAX = 64 << 20 }; /* as config.h has it */

struct api {
	const struct api_world *world;
	struct api_doors doors;
	struct http_server *server;
	struct http_proxies proxies;
	struct throttle throttle;
	struct events events;
	size_t viewers; /* of events */
	struct loop_timer *beat;
	uint64_t beats;
	bool has_tls;
};

struct api_call {
	struct api *api;
	const struct http_request *request;
	struct http_response *response;
	const char *parameter;   /* what stands for {…} in the path; NULL if there is none */
	const struct token *who; /* who asks, in the request's arena; NULL without tokens */
	const char *target;      /* for the audit log, where it is not the parameter */
};

/* routes.c */
void routes_dispatch(struct api_call *call);
/* Whether the body of requests there is a schedules.json. */
bool routes_takes_file(const struct http_target *target);

/* guard.c */
/* Whether the request may go on; answered where it may not. */
bool guard_admits(struct api_call *call, const struct api_route *route);
/* Afterwards: what it changed is noted. */
void guard_records(struct api_call *call, const struct api_route *route);
/* Who asks, for records. */
const char *guard_who(const struct api_call *call);
/* Whose address counts; as text, without the port. */
struct http_address guard_peer(const struct api *api, const struct http_request *request);
const char *guard_peer_text(const struct api_call *call);

/* The handlers, by noun. */
void health_get(struct api_call *call);
void ready_get(struct api_call *call);
void openapi_get(struct api_call *call);
void summary_get(struct api_call *call);
void jobs_list(struct api_call *call);
void jobs_get(struct api_call *call);
void jobs_trigger(struct api_call *call);
void pauses_begin(struct api_call *call);
void pauses_end(struct api_call *call);
void runs_list(struct api_call *call);
void runs_get(struct api_call *call);
void runs_cancel(struct api_call *call);
void runs_job(struct api_call *call);
void logs_get(struct api_call *call);
void occurrences_list(struct api_call *call);
void revisions_list(struct api_call *call);
void revisions_get(struct api_call *call);
void cron_rehearse(struct api_call *call);
void cron_start(struct api_call *call);
void timeline_get(struct api_call *call);
void events_get(struct api_call *call);
void tokens_list(struct api_call *call);
void tokens_create(struct api_call *call);
void tokens_revoke(struct api_call *call);
void audits_list(struct api_call *call);
void deploy_plan(struct api_call *call);
void deploy_apply(struct api_call *call);
void deploy_export(struct api_call *call);
void deploy_rollback(struct api_call *call);
void deploy_revision_plan(struct api_call *call);
void downtimes_list(struct api_call *call);
void status_get(struct api_call *call);
void metrics_get(struct api_call *call);

/* answer.c: what handlers end with */
/* Where the JSON of the answer goes, begun by its status. */
struct buf *answer_json(struct api_call *call, int status);
/* Ends a JSON body with a newline. */
void answer_end(struct buf *json);
/* 400: the request is wrong. */
void answer_refused(struct api_call *call, const struct err *err);
/* Whether the request has no query parameters; where it has any, that is answered. */
bool takes_no_parameters(struct api_call *call);
/* 503: the store cannot be read. */
void answer_store_failed(struct api_call *call, const struct err *err);

/* jobs.c */
/* Starts the job of the path, and answers. */
void jobs_start(struct api_call *call, bool is_dry_run);

/* stream.c: for those who watch */
void stream_run(struct api *api, uint64_t id);
void stream_revision(struct api *api, int64_t number);
void stream_beat(void *context);

/* revisions.c */
/* With its content, in the request's arena; NULL and answered where there is none. */
const struct revision *revisions_find(struct api_call *call, int64_t number);
const struct revision *revisions_of_path(struct api_call *call);
/* The job of the path; NULL and answered where there is none. */
const struct job *jobs_of_path(struct api_call *call);
/* The job as it is now. */
void jobs_answer(struct api_call *call, const struct job *job);

/* runs.c */
/* The run of the path as it is now, NULL and answered where there is none. Lives in
 * the request's arena. */
const struct run *runs_of_path(struct api_call *call);
/* In the arena, NULL where there is none; false where the store cannot be read. */
bool runs_read(struct api *api, struct arena *arena, uint64_t id, const struct run **run,
	       struct err *err);

/* downtimes.c */
/* Only a downtime that ended so long ago is worth a word by itself: a week. */
#define DOWNTIME_RECENT_MS (INT64_C(7) * 86400 * 1000)
/* *last is the newest one, where there is any; false where the store cannot be read. */
bool downtimes_last(struct api *api, struct downtime *last, bool *is_recent, struct err *err);
/* Puts the job's own counts in place of those of all. */
bool downtimes_of_job(struct api *api, const char *name, struct downtime *downtime,
		      struct err *err);

/* lateness_read.c: of the newest runs, of all jobs where job is NULL. */
bool lateness_read(struct api *api, struct arena *arena, const char *job, struct lateness *lateness,
		   struct err *err);

#endif

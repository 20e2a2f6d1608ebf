/* internal.h - what the API's files share, and nobody else sees. */
#ifndef BELFRY_API_INTERNAL_H
#define BELFRY_API_INTERNAL_H

#include "api.h"
#include "http_server.h"

struct api {
	const struct api_world *world;
	struct api_doors doors;
	struct http_server *server;
};

struct api_call {
	struct api *api;
	const struct http_request *request;
	struct http_response *response;
	const char *parameter; /* what stands for {…} in the path; NULL if there is none */
};

/* routes.c */
void routes_dispatch(struct api_call *call);

/* The handlers, by noun. */
void health_get(struct api_call *call);
void jobs_list(struct api_call *call);
void jobs_get(struct api_call *call);
void jobs_trigger(struct api_call *call);
void pauses_begin(struct api_call *call);
void pauses_end(struct api_call *call);
void runs_list(struct api_call *call);
void runs_get(struct api_call *call);
void runs_cancel(struct api_call *call);
void logs_get(struct api_call *call);
void occurrences_list(struct api_call *call);
void revisions_list(struct api_call *call);

/* answer.c: what handlers end with */
/* Where the JSON of the answer goes, begun by its status. */
struct buf *answer_json(struct api_call *call, int status);
/* Ends a JSON body with a newline. */
void answer_end(struct buf *json);
/* 400: the request is wrong. */
void answer_refused(struct api_call *call, const struct err *err);
/* 503: the store cannot be read. */
void answer_store_failed(struct api_call *call, const struct err *err);

/* jobs.c */
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

#endif

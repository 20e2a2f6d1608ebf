/* cron.c - /api/cron/{job}, the short form for curl and for those who ring jobs from outside. */
#include <string.h>

#include "internal.h"
#include "query.h"

void cron_rehearse(struct api_call *call)
{
	bool is_dry_run;
	struct err err;

	if (!query_cron(call->request->target, &is_dry_run, &err)) {
		answer_refused(call, &err);
		return;
	}
	if (is_dry_run) {
		jobs_start(call, true);
		return;
	}
	/* A link that somebody follows, or a page's picture, must not start a job. */
	http_problem(call->response, 405, "GET starts dry runs alone (dryRun=true); use POST");
	http_response_header(call->response, "Allow", "POST");
}

void cron_start(struct api_call *call)
{
	bool is_dry_run;
	struct err err;

	if (query_cron(call->request->target, &is_dry_run, &err))
		jobs_start(call, is_dry_run);
	else
		answer_refused(call, &err);
}

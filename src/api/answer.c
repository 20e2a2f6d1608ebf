/* answer.c - what handlers end with; see internal.h. */
#include "internal.h"
#include "query.h"

struct buf *answer_json(struct api_call *call, int status)
{
	call->response->status = status;
	call->response->content_type = "application/json";
	return &call->response->body;
}

void answer_end(struct buf *json)
{
	buf_char(json, '\n');
}

void answer_refused(struct api_call *call, const struct err *err)
{
	http_problem(call->response, 400, "%s", err->text);
}

bool takes_no_parameters(struct api_call *call)
{
	struct err err;

	if (query_nothing(call->request->target, &err))
		return true;
	answer_refused(call, &err);
	return false;
}

void answer_store_failed(struct api_call *call, const struct err *err)
{
	http_problem(call->response, 503, "the store cannot be read: %s", err->text);
}

/* openapi.c - GET /openapi.json: the API as it was written down, api/openapi.yaml. */
#include "internal.h"
#include "openapi_text.h"

void openapi_get(struct api_call *call)
{
	if (!takes_no_parameters(call))
		return;
	struct buf *json = answer_json(call, 200);
	buf_add(json, openapi_text, openapi_text_length);
	answer_end(json);
}

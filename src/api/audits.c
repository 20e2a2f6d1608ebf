/* audits.c - the audit log: who changed what through the API. */
#include "internal.h"
#include "query.h"

struct page {
	struct buf *json;
	size_t limit, count;
	int64_t last, next; /* next: the cursor of the page after this one; 0 if none */
};

static bool add_audit(void *context, const struct audit *audit)
{
	struct page *page = context;

	if (page->count == page->limit) {
		page->next = page->last;
		return false;
	}
	buf_json_open(page->json, NULL, '{');
	buf_json_int(page->json, "number", audit->number);
	buf_json_time(page->json, "at", audit->at);
	buf_json_text(page->json, "who", audit->who);
	buf_json_text(page->json, "address", audit->address);
	buf_json_text(page->json, "action", audit->action);
	buf_json_text(page->json, "target", audit->target);
	buf_json_int(page->json, "status", audit->status);
	buf_json_close(page->json, '}');
	page->last = audit->number;
	page->count++;
	return true;
}

void audits_list(struct api_call *call)
{
	struct audit_filter filter;
	struct err err;

	if (!query_audits(call->request->target, &filter, &err)) {
		answer_refused(call, &err);
		return;
	}
	struct page page = {.json = answer_json(call, 200), .limit = filter.limit};
	filter.limit++;
	buf_json_open(page.json, NULL, '{');
	buf_json_open(page.json, "audit", '[');
	if (!store_audits(call->api->world->store, &filter, add_audit, &page, &err)) {
		answer_store_failed(call, &err);
		return;
	}
	buf_json_close(page.json, ']');
	if (page.next)
		buf_json_int(page.json, "next", page.next);
	else
		buf_json_null(page.json, "next");
	buf_json_close(page.json, '}');
	answer_end(page.json);
}

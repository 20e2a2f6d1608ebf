/* fly_errand.c - what is asked of Fly apart from any run under way; see fly.h. */
#include <stdlib.h>
#include <string.h>

#include "fly.h"
#include "http_target.h"

void fly_errand_finish(struct fly_errand *errand)
{
	errand->previous->next = errand->next;
	if (errand->next)
		errand->next->previous = errand->previous;
	free(errand->app);
	free(errand->machine);
	free(errand);
}

void fly_errand_send(struct fly *fly, const char *app, const char *machine, uint64_t record,
		     const struct fly_request *request, http_answered_fn *answered)
{
	struct fly_errand *errand = mem_alloc(sizeof(*errand));
	struct fly_request copy = *request;

	*errand = (struct fly_errand){.previous = &fly->errands,
				      .next = fly->errands.next,
				      .fly = fly,
				      .app = mem_copy_text(app),
				      .machine = machine ? mem_copy_text(machine) : NULL,
				      .record = record};
	if (errand->next)
		errand->next->previous = errand;
	fly->errands.next = errand;
	copy.app = app;
	copy.answered = answered;
	copy.context = errand;
	fly_calls_send(fly->calls, &copy);
}

static void on_destroyed(void *context, const struct http_answer *answer)
{
	struct fly_errand *errand = context;
	bool is_gone = (answer->status >= 200 && answer->status < 300) || answer->status == 404;

	/* What is not gone now the sweep finds, by its record or by its metadata. */
	if (errand->record && is_gone)
		fly_record_remove(errand->fly, errand->record);
	fly_errand_finish(errand);
}

void fly_destroy_any(struct fly *fly, const char *app, const char *machine, uint64_t record)
{
	struct buf path = {0};

	buf_text(&path, "/v1/apps/");
	http_escape(&path, app);
	buf_text(&path, "/machines/");
	http_escape(&path, machine);
	buf_text(&path, "?force=true");
	fly_errand_send(fly, app, machine, record,
			&(struct fly_request){.method = "DELETE", .path = buf_string(&path)},
			on_destroyed);
	buf_finish(&path);
}

bool fly_is_being_destroyed(const struct fly *fly, const char *machine)
{
	for (const struct fly_errand *errand = fly->errands.next; errand; errand = errand->next)
		if (errand->machine && strcmp(errand->machine, machine) == 0)
			return true;
	return false;
}

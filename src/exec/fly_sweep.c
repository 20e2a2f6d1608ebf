/*
 * fly_sweep.c - Machines that are left: at the start and each hour, belfry's own alone.
 *
 * Its own are those that carry its state directory's mark in their metadata. Of these only
 * the one Machine of a run that is not over stays.
 */
#include <stdlib.h>
#include <string.h>

#include "fly.h"
#include "http_target.h"

enum { SWEEP_MS = 3600000 };

void fly_know_app(struct fly *fly, const char *app)
{
	for (size_t i = 0; i < fly->app_count; i++)
		if (strcmp(fly->apps[i], app) == 0)
			return;
	fly->apps = mem_resize(fly->apps, (fly->app_count + 1) * sizeof(*fly->apps));
	fly->apps[fly->app_count++] = mem_copy_text(app);
}

static bool is_needed(const struct fly *fly, const struct fly_machine *machine)
{
	const struct fly_ward *ward = fly_ward_find(fly, machine->run);

	if (!ward || ward->attempt != machine->attempt)
		return false;
	/* Which one it is, is being found out: then any may be it. */
	return !ward->machine || strcmp(ward->machine, machine->id) == 0;
}

static void on_listed(void *context, const struct http_answer *answer)
{
	struct fly_errand *errand = context;
	struct fly *fly = errand->fly;
	struct arena arena = {0};
	struct fly_machine *machines;
	size_t count = 0;

	if (answer->status == 200)
		fly_machines_parse(answer->body, answer->length, &arena, &machines, &count);
	for (size_t i = 0; i < count; i++) {
		const struct fly_machine *machine = &machines[i];

		if (!machine->home || strcmp(machine->home, fly->home) != 0 || !machine->run ||
		    fly_machine_phase(machine) == FLY_PHASE_GONE || is_needed(fly, machine) ||
		    fly_is_being_destroyed(fly, machine->id))
			continue;
		if (fly->sink.notice)
			fly->sink.notice(fly->sink.context, machine->run,
					 arena_format(&arena,
						      "Fly: Machine %s of app %s was left, and is "
						      "destroyed",
						      machine->id, errand->app));
		fly_destroy_any(fly, errand->app, machine->id, 0);
	}
	arena_finish(&arena);
	fly_errand_finish(errand);
}

static void sweep_app(struct fly *fly, const char *app)
{
	struct buf path = {0};

	buf_text(&path, "/v1/apps/");
	http_escape(&path, app);
	buf_format(&path, "/machines?metadata." FLY_META_HOME "=%s", fly->home);
	fly_errand_send(fly, app, NULL, 0,
			&(struct fly_request){.method = "GET",
					      .path = buf_string(&path),
					      .limit = FLY_LIMIT_LIST},
			on_listed);
	buf_finish(&path);
}

/* The run's end was durable, and belfry stopped before its Machine had gone. */
static void take_left(struct fly *fly, uint64_t run)
{
	struct fly_ward left = {0};

	if (fly_record_read(fly, run, &left)) {
		fly_know_app(fly, left.app);
		if (left.machine)
			fly_destroy_any(fly, left.app, left.machine, run);
	}
	if (!left.machine) /* what there may be is found by its metadata */
		fly_record_remove(fly, run);
	free(left.app);
	free(left.machine);
}

void fly_on_sweep(void *context)
{
	struct fly *fly = context;

	fly_records_left(fly, take_left);
	for (size_t i = 0; i < fly->app_count; i++)
		sweep_app(fly, fly->apps[i]);
	loop_timer_start(fly->sweep, SWEEP_MS);
}

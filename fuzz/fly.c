/*
 * fly.c - what Fly answers: Machines and errors, see src/exec/fly_machine.h; an app's
 * Machines, processes and log, see src/exec/fly_app.h.
 *
 * Whatever comes, what is taken of it is whole: texts that end, phases that are known.
 */
#include "fly_verdict.h"

#include <string.h>

#include "fuzz.h"

static void check_machine(const struct fly_machine *machine)
{
	MUST(machine->id && machine->state);
	MUST(fly_machine_phase(machine) <= FLY_PHASE_GONE);
	MUST(machine->exit.signal >= 0);
	MUST(!machine->image || strlen(machine->image) < 1 << 24);
	MUST(!machine->is_release_job || machine->group);
}

static void check_instance(const struct fly_app *app, const struct fly_instance *instance,
			   struct utc now)
{
	const struct fly_service *deaf = fly_deaf_service(instance);

	MUST(fly_instance_judge(app, instance, now) < FLY_NO_MACHINE);
	MUST(!deaf || (deaf->port > 0 && deaf->port <= 65535 && fly_needs_listeners(instance)));
	for (size_t i = 0; i < instance->check_count; i++)
		MUST(instance->checks[i].name && instance->checks[i].status);
	for (size_t i = 0; i < instance->listener_count; i++)
		MUST(instance->listeners[i].address);
	MUST(instance->exits >= 0);
}

/* The same text as each of the three answers that make an app. */
static void check_app(const char *text, size_t size, struct arena *arena)
{
	const struct utc now = {INT64_C(1790000000000)};
	const struct fly_instance *worst;
	struct fly_app app;

	bool is_list = fly_app_parse(text, size, now, arena, &app);
	MUST(is_list || app.count == 0);
	fly_refusals_parse(text, size, now, arena, &app);
	for (size_t i = 0; i < app.count; i++) {
		check_instance(&app, &app.instances[i], now);
		fly_listeners_parse(text, size, arena, &app.instances[i]);
		check_instance(&app, &app.instances[i], now);
	}
	enum fly_verdict verdict = fly_app_judge(&app, now, &worst);
	MUST((verdict == FLY_NO_MACHINE) == (app.count == 0));
	MUST(fly_refusal(arena_copy(arena, text, size), arena) || true);
	struct fly_instance alone = {0};
	MUST(fly_listeners_parse(text, size, arena, &alone) || alone.listener_count == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = {0};
	struct fly_machine *machines;
	const char *code, *text;
	size_t count;

	bool is_read = fly_machines_parse((const char *)data, size, &arena, &machines, &count);
	MUST(is_read || count == 0);
	for (size_t i = 0; i < count; i++)
		check_machine(&machines[i]);
	text = fly_error((const char *)data, size, &arena, &code);
	MUST(text && strlen(text) <= size + 1);
	check_app((const char *)data, size, &arena);
	arena_finish(&arena);
	return 0;
}

/*
 * fly.c - what Fly answers: Machines and errors; see src/exec/fly_machine.h.
 *
 * Whatever comes, what is taken of it is whole: texts that end, phases that are known.
 */
#include "fly_machine.h"

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
	arena_finish(&arena);
	return 0;
}

/* holding.c - what the runners said they hold; see process.h. */
#include "process.h"

void holding_note(struct process *process, struct runner_link *link, uint64_t run, int32_t attempt)
{
	if (process->holding_count == process->holding_capacity) {
		process->holding_capacity = process->holding_capacity * 2 + 16;
		process->holdings = mem_resize(process->holdings,
					       process->holding_capacity * sizeof(struct holding));
	}
	process->holdings[process->holding_count++] =
		(struct holding){.link = link, .run = run, .attempt = attempt};
}

struct runner_link *holding_find(const struct process *process, uint64_t run, int32_t attempt)
{
	for (size_t i = 0; i < process->holding_count; i++)
		if (process->holdings[i].run == run && process->holdings[i].attempt == attempt)
			return process->holdings[i].link;
	return NULL;
}

bool holding_has_run(const struct process *process, uint64_t run)
{
	for (size_t i = 0; i < process->holding_count; i++)
		if (process->holdings[i].run == run)
			return true;
	return false;
}

size_t holding_count(const struct process *process, const struct runner_link *link)
{
	size_t count = 0;

	for (size_t i = 0; i < process->holding_count; i++)
		count += process->holdings[i].link == link;
	return count;
}

void holding_drop(struct process *process, const struct runner_link *link)
{
	size_t kept = 0;

	for (size_t i = 0; i < process->holding_count; i++)
		if (process->holdings[i].link != link)
			process->holdings[kept++] = process->holdings[i];
	process->holding_count = kept;
}

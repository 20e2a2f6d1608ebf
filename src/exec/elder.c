/*
 * elder.c - runners of other versions, there since before an upgrade.
 *
 * An elder keeps what it holds until that has ended, and belfry follows its runs as it
 * follows those of its own runner; nothing new is started there. Once none of its runs
 * is open any more it is told to quit. So an upgrade waits for no job, and no job for
 * an upgrade.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process.h"

struct elder {
	struct elder *next;
	struct runner_link link;
	bool is_known; /* it has said what it holds */
	bool is_needed;
};

static bool is_connected(const struct process *process, const char *name)
{
	if (process->link.fd >= 0 && strcmp(process->link.name, name) == 0)
		return true;
	for (const struct elder *elder = process->elders; elder; elder = elder->next)
		if (elder->link.fd >= 0 && strcmp(elder->link.name, name) == 0)
			return true;
	return false;
}

static void destroy(struct elder *elder)
{
	runner_link_finish(&elder->link);
	free(elder);
}

static struct elder *make(const struct process *process)
{
	struct elder *elder = mem_alloc(sizeof(*elder));

	elder->link = (struct runner_link){.loop = process->link.loop,
					   .state_path = process->link.state_path,
					   .program = process->link.program,
					   .state = process->link.state,
					   .fd = -1,
					   .message = process->link.message,
					   .lost = process->link.lost,
					   .context = process->link.context};
	return elder;
}

static bool look_at(void *context, const char *name, const char *version)
{
	struct process *process = context;
	struct err err;
	bool is_gone;

	(void)version;
	if (is_connected(process, name))
		return false;
	struct elder *elder = make(process);
	if (runner_link_reach(&elder->link, name, &is_gone, &err)) {
		elder->next = process->elders;
		process->elders = elder;
		return false;
	}
	destroy(elder);
	if (is_gone) { /* it was there once it could be connected to: it has died */
		unlinkat(process->link.state, name, 0);
		return false;
	}
	/* It is looked for again each second, but told of once. */
	if (!process->is_elder_told)
		ward_notice(process, 0, err.text);
	process->is_elder_missing = process->is_elder_told = true;
	return false;
}

void elder_find(struct process *process)
{
	process->is_elder_missing = false;
	runner_link_each(&process->link, look_at, process);
}

bool elder_all_known(const struct process *process)
{
	for (const struct elder *elder = process->elders; elder; elder = elder->next)
		if (elder->link.fd >= 0 && !elder->is_known)
			return false;
	return !process->is_elder_missing;
}

void elder_greeted(struct process *process, struct runner_link *link, const struct message *hello)
{
	char text[256];

	for (struct elder *elder = process->elders; elder; elder = elder->next) {
		size_t count = holding_count(process, link);

		if (&elder->link != link)
			continue;
		elder->is_known = true;
		runner_link_greeted(link, hello);
		snprintf(
			text, sizeof(text),
			"belfry-runner %s is still there and holds %zu run%s: new ones start under "
			"belfry-runner %s, and it goes once it is not needed any more",
			link->version, count, count == 1 ? "" : "s", process->link.version);
		ward_notice(process, 0, text);
	}
}

/* ---- and its end ---- */

static void look_for_need(struct process *process, struct ward *ward)
{
	for (struct elder *elder = process->elders; elder; elder = elder->next)
		elder->is_needed |= !ward->is_over && ward->link == &elder->link;
}

static void send_off(const struct process *process, struct elder *elder)
{
	char text[160];

	runner_link_send(&elder->link, &(struct message){.kind = MESSAGE_QUIT});
	snprintf(text, sizeof(text), "belfry-runner %s is not needed any more",
		 elder->link.version);
	ward_notice(process, 0, text);
}

void elder_release(struct process *process)
{
	for (struct elder *elder = process->elders; elder; elder = elder->next)
		elder->is_needed = false;
	if (process->elders)
		ward_each(process, look_for_need);
	for (struct elder **at = &process->elders; *at;) {
		struct elder *elder = *at;

		if (elder->link.fd >= 0 && (elder->is_needed || !elder->is_known)) {
			at = &elder->next;
			continue;
		}
		if (elder->link.fd >= 0)
			send_off(process, elder);
		holding_drop(process, &elder->link);
		*at = elder->next;
		destroy(elder);
	}
}

void elder_finish_all(struct process *process)
{
	while (process->elders) {
		struct elder *elder = process->elders;

		process->elders = elder->next;
		runner_link_send(&elder->link, &(struct message){.kind = MESSAGE_QUIT});
		destroy(elder);
	}
}

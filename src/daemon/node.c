/* node.c - this daemon as one of several nodes that share a store; see node.h. */
#include "node.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "internal.h"
#include "log.h"

enum {
	/* Clocks do not run at quite the same speed. */
	MARGIN_MS = NODE_LEASE_MS / 10,
	RETRY_MS = 1000,
};

struct now node_now(const struct daemon *daemon)
{
	struct now now = clock_now();

	if (daemon->node.is_member)
		now.utc = (struct utc){now.mono.ms + daemon->node.utc_offset_ms};
	return now;
}

/* The store read its clock some time between question and answer. Of what is possible
 * that which changes least: a slow answer must not look like a clock that was set. */
static void follow_clock(struct node *node, struct mono answered)
{
	int64_t most = node->lease.now.ms - node->asked.ms;
	int64_t least = node->lease.now.ms - answered.ms;

	if (!node->is_member || node->utc_offset_ms < least)
		node->utc_offset_ms = least;
	else if (node->utc_offset_ms > most)
		node->utc_offset_ms = most;
}

static void go_on(struct node *node)
{
	follow_clock(node, clock_now().mono);
	node->sure_until = (struct mono){node->asked.ms + NODE_LEASE_MS - MARGIN_MS};
	node->renew_at = (struct mono){node->asked.ms + NODE_LEASE_MS / 3};
}

bool node_join(struct daemon *daemon, struct err *err)
{
	struct node *node = &daemon->node;
	char name[256] = "";

	if (!store_is_shared(daemon->store))
		return true;
	if (daemon->options->node)
		snprintf(name, sizeof(name), "%s", daemon->options->node);
	else if (gethostname(name, sizeof(name) - 1) != 0 || !*name)
		return err_set(err, "this machine has no name that its node could have");
	node->asked = clock_now().mono;
	if (!store_join(daemon->store, name, NODE_LEASE_MS, &node->lease, err))
		return err_wrap(err, "joining the other nodes as \"%s\"", name);
	go_on(node);
	node->is_member = true;
	return true;
}

/* ---- the lease ---- */

static void lose(struct daemon *daemon, const char *why)
{
	struct node *node = &daemon->node;

	if (node->is_out)
		return;
	node->is_out = true;
	node->renew_at = clock_now().mono; /* at once */
	recorder_drop(&daemon->recorder);
	log_warn("%s; nothing is started until this node has joined again", why);
}

void node_ask(struct daemon *daemon)
{
	if (daemon->node.is_member)
		daemon->node.asked = clock_now().mono;
}

void node_hear(struct daemon *daemon, bool ok)
{
	struct node *node = &daemon->node;

	if (!node->is_member || node->is_out)
		return;
	if (ok) {
		go_on(node);
		return;
	}
	switch (node->lease.refusal) {
	case REFUSAL_NONE: break; /* the store's trouble: tried again while the lease lasts */
	case REFUSAL_FENCED: lose(daemon, "this node has lost its lease"); break;
	case REFUSAL_STALE: lose(daemon, "other nodes have gone on to another revision"); break;
	}
}

static void renew(struct daemon *daemon, struct mono now)
{
	struct node *node = &daemon->node;
	struct err err;

	node_ask(daemon);
	bool ok = store_renew(daemon->store, &err);
	node->renew_at = (struct mono){now.ms + RETRY_MS};
	node_hear(daemon, ok);
	if (!ok && node->lease.refusal == REFUSAL_NONE)
		log_warn("the lease cannot be renewed: %s", err.text);
}

bool node_may_start(struct daemon *daemon)
{
	struct node *node = &daemon->node;

	if (!node->is_member)
		return true;
	if (!node->is_out && clock_now().mono.ms >= node->sure_until.ms)
		lose(daemon, "this node's lease may be over");
	return !node->is_out;
}

struct mono node_due(const struct daemon *daemon)
{
	return daemon->node.is_member ? daemon->node.renew_at : (struct mono){INT64_MAX};
}

void node_turn(struct daemon *daemon)
{
	struct node *node = &daemon->node;
	struct mono now;

	if (!node->is_member)
		return;
	now = clock_now().mono;
	if (!node->is_out && now.ms >= node->sure_until.ms)
		lose(daemon, "this node's lease may be over");
	if (!node->is_out && now.ms >= node->renew_at.ms)
		renew(daemon, now);
	if (node->is_out && !daemon->is_stopping && now.ms >= node->renew_at.ms) {
		node->renew_at = (struct mono){now.ms + RETRY_MS};
		daemon_rejoin(daemon);
	}
	if (!node->is_out && node->owes_boot && daemon->recorder.count == 0) {
		node->owes_boot = false;
		reload_boot_jobs(daemon);
	}
}

/* ---- runs of other nodes ---- */

static void take_over(struct daemon *daemon, const struct run *run)
{
	turn_step(daemon, &(struct event){.kind = EVENT_TAKEN_OVER, .taken = run});
	daemon_adopt(daemon, run, true);
}

/* Committed or not, who can tell; the store can. */
static bool took(struct daemon *daemon, bool ok, const struct err *err)
{
	node_hear(daemon, ok);
	if (ok)
		return true;
	log_warn("%s", err->text);
	lose(daemon, "runs of other nodes may be this node's now");
	return false;
}

static bool take_from_dead(struct daemon *daemon, struct arena *arena)
{
	struct run *runs;
	size_t count;
	struct err err = {""};

	node_ask(daemon);
	if (!took(daemon, store_take_over(daemon->store, arena, &runs, &count, &err), &err))
		return false;
	log_warn("a node's lease has run out: %zu run%s that it had not ended %s taken over", count,
		 count == 1 ? "" : "s", count == 1 ? "is" : "are");
	for (size_t i = 0; i < count; i++)
		take_over(daemon, &runs[i]);
	return true;
}

static bool take_handed(struct daemon *daemon, struct arena *arena)
{
	struct run *runs;
	size_t count;
	struct err err = {""};

	node_ask(daemon);
	if (!took(daemon, store_take_handed(daemon->store, arena, &runs, &count, &err), &err))
		return false;
	for (size_t i = 0; i < count; i++)
		turn_step(daemon, &(struct event){.kind = EVENT_HANDED, .taken = &runs[i]});
	return true;
}

bool node_has_to_take(const struct daemon *daemon)
{
	const struct node *node = &daemon->node;

	return node->is_member && !node->is_out &&
	       (node->lease.has_expired || node->lease.has_handed);
}

void node_take(struct daemon *daemon)
{
	const struct lease *lease = &daemon->node.lease;
	struct arena arena = {0};
	bool ok = true;

	while (ok && node_has_to_take(daemon))
		ok = lease->has_expired ? take_from_dead(daemon, &arena)
					: take_handed(daemon, &arena);
	arena_finish(&arena);
}

/* ---- the file ---- */

bool node_is_news(const struct daemon *daemon, const char *hash)
{
	return !daemon->node.is_member || strcmp(daemon->node.lease.file_hash, hash) != 0;
}

void node_saw_file(struct daemon *daemon, const char *hash)
{
	struct node *node = &daemon->node;

	if (!node->is_member || strcmp(node->lease.file_hash, hash) == 0)
		return;
	snprintf(node->lease.file_hash, LEASE_HASH_MAX, "%s", hash);
	node->renew_at = clock_now().mono; /* the store is told at once */
}

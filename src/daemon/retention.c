/*
 * retention.c - old history goes: a few runs at a time, so that nothing waits.
 *
 * A round looks at every job that has history, one job a step; a round an hour.
 */
#include "clock.h"
#include "internal.h"
#include "log.h"

enum { BATCH = 100, STEP_MS = 50, ROUND_MS = 3600 * 1000 };

static const struct keep_policy gone_from_the_file = {
	.age_ms = INT64_C(90) * 86400 * 1000,
	.runs = 1000,
};

static bool begin_round(struct daemon *daemon)
{
	struct prune_state *prune = &daemon->prune;
	struct err err;

	arena_reset(&prune->arena);
	prune->next = prune->count = 0;
	if (!store_job_names(daemon->store, &prune->arena, &prune->names, &prune->count, &err)) {
		log_warn("cannot look for old history: %s", err.text);
		return false;
	}
	return prune->count > 0;
}

/* Sets *more if the job may have more to prune. */
static bool prune_job(struct daemon *daemon, const char *name, bool *more)
{
	const struct job *job = config_find(daemon->config, name);
	const struct keep_policy *keep = job ? &job->keep : &gone_from_the_file;
	size_t removed = 0;
	struct err err;

	if (!store_prune(daemon->store, name, utc_add(node_now(daemon).utc, -keep->age_ms),
			 keep->runs, BATCH, &removed, &err)) {
		log_event(LOG_WARN, (struct log_about){.job = name},
			  "cannot remove old history: %s", err.text);
		return false;
	}
	*more = removed >= BATCH;
	return true;
}

/* Jobs with nothing to remove cost one indexed look each; a step takes several. */
void retention_run(void *context)
{
	struct daemon *daemon = context;
	struct prune_state *prune = &daemon->prune;

	if (daemon->is_stopping)
		return;
	if (prune->next == prune->count && !begin_round(daemon)) {
		loop_timer_start(daemon->prune_timer, ROUND_MS);
		return;
	}
	bool more = false;
	for (size_t i = 0; i < BATCH && !more && prune->next < prune->count; i++) {
		if (!prune_job(daemon, prune->names[prune->next], &more))
			prune->next = prune->count; /* the store is ill: the next round */
		else if (!more)
			prune->next++;
	}
	loop_timer_start(daemon->prune_timer, prune->next < prune->count ? STEP_MS : ROUND_MS);
}

/*
 * apply.c - plans and revisions that come through the API; see struct api_deploy.
 *
 * A file is planned against what is in force, or against another text. It is applied
 * where the API is what jobs come from (--managed): as one revision, recorded before
 * anything of it is done, or not at all.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "internal.h"
#include "log.h"
#include "plan.h"

/* ---- runs that are not finished ---- */

struct run_list {
	struct arena *arena;
	struct plan_run *items;
	size_t count, capacity;
};

static void add_run(void *context, const struct run *run)
{
	struct run_list *list = context;

	if (list->count == list->capacity) {
		list->capacity = list->capacity ? list->capacity * 2 : 16;
		list->items = mem_resize(list->items, list->capacity * sizeof(*list->items));
	}
	list->items[list->count++] = (struct plan_run){arena_text(list->arena, run->job), run->id};
}

static int by_job(const void *left, const void *right)
{
	const struct plan_run *a = left, *b = right;
	int order = strcmp(a->job, b->job);

	return order ? order : (a->id > b->id) - (a->id < b->id);
}

/* ---- the plan ---- */

static void write_plan(const struct plan *plan, struct api_deploy *deploy)
{
	plan_json(plan, deploy->plan);
	switch (deploy->format) {
	case API_FORMAT_JSON: break;
	case API_FORMAT_TEXT: plan_text(plan, deploy->rendered); break;
	case API_FORMAT_MARKDOWN: plan_markdown(plan, deploy->rendered); break;
	}
}

static void plan_against(struct daemon *daemon, struct config *before, struct config *after,
			 const struct findings *findings, struct api_deploy *deploy)
{
	struct run_list runs = {.arena = findings->arena};
	struct plan plan;

	engine_each_run(daemon->engine, add_run, &runs);
	if (runs.count)
		qsort(runs.items, runs.count, sizeof(*runs.items), by_job);
	plan_init(&plan, &(struct plan_question){.before = before,
						 .after = after,
						 .hash_before = before ? config_hash(before) : NULL,
						 .hash_after = config_hash(after),
						 .findings = findings,
						 .revision = deploy->against_revision,
						 .now = clock_utc(),
						 .runs = runs.items,
						 .run_count = runs.count});
	write_plan(&plan, deploy);
	deploy->is_same_content = plan_is_same_content(&plan);
	plan_finish(&plan);
	free(runs.items);
}

/* ---- what is wrong with a file ---- */

static void write_findings(const struct findings *findings, struct buf *out)
{
	buf_json_open(out, NULL, '[');
	for (size_t i = 0; i < findings->count; i++) {
		buf_json_open(out, NULL, '{');
		finding_add_json(out, &findings->items[i]);
		buf_json_close(out, '}');
	}
	buf_json_close(out, ']');
}

/* ---- applying ---- */

/* Whether it may be applied at all; says why not. */
static bool may_apply(struct daemon *daemon, struct api_deploy *deploy)
{
	struct err err;

	if (!daemon->options->is_managed)
		deploy->status = API_DEPLOY_FOLLOWS_FILE;
	else if (deploy->expect >= 0 && deploy->expect != daemon->revision)
		deploy->status = API_DEPLOY_OTHER_REVISION;
	else if (daemon->is_stopping)
		deploy->status = API_DEPLOY_STOPPING;
	else if (daemon->recorder.is_failing || !store_is_writable(daemon->store, &err))
		deploy->status = API_DEPLOY_STORE_FAILED;
	else
		return true;
	return false;
}

static void apply(struct daemon *daemon, struct config *config, struct api_deploy *deploy)
{
	struct revision_about about = {
		.author = deploy->author,
		.source = deploy->source,
		.message = deploy->message,
		.why = "applied",
	};

	reload_take(daemon, config, &about);
	deploy->status = recorder_flush(&daemon->recorder, clock_now().mono, true)
				 ? API_DEPLOY_DONE
				 : API_DEPLOY_STORE_FAILED;
}

static struct config *read_text(struct daemon *daemon, const char *text, size_t length,
				struct findings *findings)
{
	struct config_world world = reload_world(daemon);

	return config_parse(text, length, &world, findings);
}

/* The other side of the comparison, where it is not what is in force. */
static bool read_before(struct daemon *daemon, struct arena *arena, struct api_deploy *deploy,
			struct config **before)
{
	struct findings findings = {.arena = arena};

	*before = NULL;
	if (!deploy->before)
		return true;
	*before = read_text(daemon, deploy->before, deploy->before_length, &findings);
	if (*before)
		return true;
	deploy->status = API_DEPLOY_BAD_FILE;
	write_findings(&findings, deploy->findings);
	return false;
}

/* The text in force may have been let go, being in the store: for a moment it is here
 * again. *is_lent: to be let go again. */
static bool recall(struct daemon *daemon, bool *is_lent, struct err *err)
{
	struct buf text = {0};
	bool ok = true;

	*is_lent = daemon->config->text == NULL;
	if (*is_lent) {
		ok = reload_text(daemon, &text, err);
		*is_lent = ok;
	}
	if (*is_lent)
		config_recall_text(daemon->config, buf_string(&text));
	buf_finish(&text);
	return ok;
}

static bool plan_against_force(struct daemon *daemon, struct config *config,
			       const struct findings *findings, struct api_deploy *deploy)
{
	bool is_lent;
	struct err err;

	deploy->against_revision = daemon->revision;
	if (!recall(daemon, &is_lent, &err)) {
		log_error("the text in force cannot be read: %s", err.text);
		deploy->status = API_DEPLOY_STORE_FAILED;
		return false;
	}
	plan_against(daemon, daemon->revision ? daemon->config : NULL, config, findings, deploy);
	if (is_lent)
		config_forget_text(daemon->config);
	return true;
}

static bool make_plan(struct daemon *daemon, struct arena *arena, struct config *config,
		      const struct findings *findings, struct api_deploy *deploy)
{
	struct config *other;

	if (!deploy->before)
		return plan_against_force(daemon, config, findings, deploy);
	if (!read_before(daemon, arena, deploy, &other))
		return false;
	plan_against(daemon, other, config, findings, deploy);
	config_destroy(other);
	return true;
}

static void consider(struct daemon *daemon, struct arena *arena, struct config *config,
		     struct findings *findings, struct api_deploy *deploy)
{
	bool is_planned = make_plan(daemon, arena, config, findings, deploy);

	if (is_planned && deploy->is_applied && !deploy->is_same_content) {
		apply(daemon, config, deploy);
		return;
	}
	if (is_planned)
		deploy->status = API_DEPLOY_DONE;
	config_destroy(config);
}

void apply_file(struct daemon *daemon, struct arena *arena, struct api_deploy *deploy)
{
	struct findings findings = {.arena = arena};
	struct config *config;

	/* Who comes second hears of the other one before anything else. */
	if (deploy->is_applied && !may_apply(daemon, deploy)) {
		deploy->revision = daemon->revision;
		return;
	}
	config = read_text(daemon, deploy->text, deploy->length, &findings);
	if (config) {
		consider(daemon, arena, config, &findings, deploy);
	} else {
		deploy->status = API_DEPLOY_BAD_FILE;
		write_findings(&findings, deploy->findings);
	}
	deploy->revision = daemon->revision;
}

bool apply_export(struct daemon *daemon, struct buf *out, struct err *err)
{
	bool is_lent;

	if (!recall(daemon, &is_lent, err))
		return false;
	config_canonical(daemon->config, out);
	if (is_lent)
		config_forget_text(daemon->config);
	return true;
}

/* native_plan.c - desired beside actual, as steps; see native_plan.h. */
#include "native_plan.h"

#include <stdlib.h>
#include <string.h>

#include "str.h"

/* ---- what is there ---- */

struct native_machine *native_machines_read(const json_t *list, struct arena *arena, size_t *count)
{
	size_t most = json_array_size(list);
	struct native_machine *machines = arena_array(arena, struct native_machine, most + 1);

	*count = 0;
	for (size_t i = 0; i < most; i++) {
		const json_t *json = json_array_get(list, i), *config;
		struct native_machine *machine = &machines[*count];

		if (!fly_machine_read(json, arena, &machine->is) || !machine->is.native)
			continue;
		if (fly_machine_phase(&machine->is) == FLY_PHASE_GONE ||
		    strcmp(machine->is.state, "destroyed") == 0 ||
		    strcmp(machine->is.state, "destroying") == 0 ||
		    strcmp(machine->is.state, "launch_failed") == 0)
			continue;
		config = json_object_get(json, "config");
		machine->config = json_is_object(config) ? config : NULL;
		++*count;
	}
	return machines;
}

/* ---- which of several ---- */

static bool is_in_place(const struct native_wanted *wanted, const struct native_machine *machine)
{
	for (size_t i = 0; i < wanted->spec.region_count; i++)
		if (str_equal(wanted->spec.regions[i], machine->is.region))
			return true;
	return wanted->spec.region_count == 0;
}

/* One that is as it should be before one that is not; then the oldest. Two that apply at the
 * same time choose the same one. */
static bool is_better(const struct native_wanted *wanted, const struct native_machine *a,
		      const struct native_machine *b)
{
	bool a_right = str_equal(a->is.hash, wanted->hash);
	int order;

	if (!b || a_right != str_equal(b->is.hash, wanted->hash))
		return !b || a_right;
	order = strcmp(a->is.created ? a->is.created : "", b->is.created ? b->is.created : "");
	return order ? order < 0 : strcmp(a->is.id, b->is.id) < 0;
}

static const struct native_machine *choose(const struct native_question *q,
					   const struct native_wanted *wanted)
{
	const struct native_machine *best = NULL;

	for (size_t i = 0; i < q->machine_count; i++) {
		const struct native_machine *machine = &q->machines[i];

		if (strcmp(machine->is.native, wanted->job->name) == 0 &&
		    is_in_place(wanted, machine) && is_better(wanted, machine, best))
			best = machine;
	}
	return best;
}

/* ---- what differs ---- */

struct differing {
	struct arena *arena;
	struct native_change *items;
	size_t count, most;
};

/* What may be shown: the rest may hold a secret. */
static bool is_open(const char *path)
{
	static const char *const open[] = {"image", "schedule", "guest", "restart", "region"};

	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
		size_t length = strlen(open[i]);

		if (strncmp(path, open[i], length) == 0 && strchr(".", path[length]))
			return true;
	}
	return false;
}

static const char *value_text(struct arena *arena, const json_t *value)
{
	char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	const char *copy = text ? arena_text(arena, text) : NULL;

	free(text);
	return copy;
}

static void add_change(struct differing *d, const char *path, const json_t *before,
		       const json_t *after)
{
	if (d->count == d->most) {
		struct native_change *old = d->items;

		d->most = d->most ? d->most * 2 : 8;
		d->items = arena_array(d->arena, struct native_change, d->most);
		if (d->count)
			memcpy(d->items, old, d->count * sizeof(*old));
	}
	d->items[d->count++] = (struct native_change){
		.path = arena_text(d->arena, path),
		.before = is_open(path) ? value_text(d->arena, before) : NULL,
		.after = is_open(path) ? value_text(d->arena, after) : NULL,
	};
}

/* What is sent and is there otherwise; what Fly has besides may be its own. In "env" nothing
 * is, so what is there and not sent goes. */
static void compare(struct differing *d, const char *above, const json_t *before,
		    const json_t *after)
{
	bool is_env = strcmp(above, "env") == 0;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)after, key, value)
	{
		const char *path = arena_format(d->arena, "%s%s%s", above, *above ? "." : "", key);
		const json_t *old = json_object_get(before, key);

		if (strcmp(path, "metadata." FLY_META_HASH) == 0 || json_equal(old, value))
			continue;
		if (json_is_object(value) && json_is_object(old))
			compare(d, path, old, value);
		else
			add_change(d, path, old, value);
	}
	if (!is_env)
		return;
	json_object_foreach((json_t *)(uintptr_t)before, key, value)
	{
		if (!json_object_get(after, key))
			add_change(d, arena_format(d->arena, "env.%s", key), value, NULL);
	}
}

static void find_changes(struct native_step *step, struct arena *arena)
{
	struct differing d = {.arena = arena};
	const json_t *before = step->machine->config;

	if (before) {
		compare(&d, "", before, step->wanted->config);
		if (json_object_get(before, "env") && !json_object_get(step->wanted->config, "env"))
			compare(&d, "env", json_object_get(before, "env"), NULL);
	}
	step->changes = d.items;
	step->change_count = d.count;
}

/* ---- the steps ---- */

static void add_wanted(struct native_plan *plan, const struct native_wanted *wanted,
		       struct arena *arena)
{
	const struct native_machine *machine = choose(&plan->question, wanted);
	struct native_step *step = &plan->steps[plan->step_count++];

	*step = (struct native_step){
		.job = wanted->job->name, .wanted = wanted, .machine = machine};
	if (!machine) {
		step->action = NATIVE_CREATE;
	} else if (str_equal(machine->is.hash, wanted->hash)) {
		step->action = NATIVE_KEEP;
	} else {
		step->action = NATIVE_UPDATE;
		find_changes(step, arena);
	}
}

static const struct native_step *step_of_job(const struct native_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->step_count; i++)
		if (plan->steps[i].wanted && strcmp(plan->steps[i].job, name) == 0)
			return &plan->steps[i];
	return NULL;
}

static const char *why_nobodys(const struct native_plan *plan, const char *name)
{
	const struct job *job = config_find(plan->question.config, name);

	if (!job)
		return "the file has no such job";
	if (!job->remote.native)
		return "its job is not native any more";
	return job->remote.native_enabled ? "its job is another app's" : "its job is disabled";
}

static void add_rest(struct native_plan *plan, const struct native_machine *machine)
{
	const struct native_step *of = step_of_job(plan, machine->is.native);
	struct native_step *step = &plan->steps[plan->step_count];

	if (of && of->machine == machine)
		return;
	plan->step_count++;
	*step = (struct native_step){
		.action = NATIVE_DESTROY, .job = machine->is.native, .machine = machine};
	if (of && is_in_place(of->wanted, machine)) {
		step->why = "its job has another one";
	} else if (of) {
		step->why = "its job is for another region";
	} else {
		step->why = why_nobodys(plan, machine->is.native);
		step->action = plan->question.prunes ? NATIVE_DESTROY : NATIVE_ORPHAN;
	}
}

void native_plan_make(struct native_plan *plan, const struct native_question *question,
		      struct arena *arena)
{
	size_t most = question->wanted_count + question->machine_count;

	*plan = (struct native_plan){.question = *question,
				     .steps = arena_array(arena, struct native_step, most + 1)};
	for (size_t i = 0; i < question->wanted_count; i++)
		add_wanted(plan, &question->wanted[i], arena);
	for (size_t i = 0; i < question->machine_count; i++)
		add_rest(plan, &question->machines[i]);
	for (size_t i = 0; i < plan->step_count; i++)
		plan->counts[plan->steps[i].action]++;
}

bool native_plan_is_empty(const struct native_plan *plan)
{
	return !plan->counts[NATIVE_CREATE] && !plan->counts[NATIVE_UPDATE] &&
	       !plan->counts[NATIVE_DESTROY];
}

/* ---- for people ---- */

static void add_create(const struct native_step *step, struct buf *out)
{
	const struct fly_spec *spec = &step->wanted->spec;
	const char *image = json_string_value(json_object_get(step->wanted->config, "image"));

	buf_format(out, "+ %s: a Machine, started %s by Fly, image %s", step->job,
		   step->wanted->job->remote.native, image ? image : "none");
	for (size_t i = 0; i < spec->region_count; i++)
		buf_format(out, "%s%s", i ? " or " : ", in ", spec->regions[i]);
	buf_char(out, '\n');
}

static void add_update(const struct native_step *step, struct buf *out)
{
	buf_format(out, "~ %s: Machine %s\n", step->job, step->machine->is.id);
	for (size_t i = 0; i < step->change_count; i++) {
		const struct native_change *change = &step->changes[i];

		buf_format(out, "    config.%s", change->path);
		if (change->before || change->after)
			buf_format(out, ": %s -> %s", change->before ? change->before : "(none)",
				   change->after ? change->after : "(none)");
		buf_char(out, '\n');
	}
	if (!step->change_count)
		buf_text(out, "    what the file said before is not told by Fly\n");
}

static void add_step(const struct native_step *step, struct buf *out)
{
	switch (step->action) {
	case NATIVE_CREATE: add_create(step, out); break;
	case NATIVE_UPDATE: add_update(step, out); break;
	case NATIVE_DESTROY:
		buf_format(out, "- %s: Machine %s: %s\n", step->job, step->machine->is.id,
			   step->why);
		break;
	case NATIVE_ORPHAN:
		buf_format(
			out,
			"> %s: Machine %s is still started by Fly, but %s; --prune destroys it\n",
			step->job, step->machine->is.id, step->why);
		break;
	case NATIVE_KEEP:
	case NATIVE_ACTION_COUNT: break;
	}
}

void native_plan_text(const struct native_plan *plan, struct buf *out)
{
	const size_t *counts = plan->counts;

	for (size_t i = 0; i < plan->step_count; i++)
		add_step(&plan->steps[i], out);
	if (native_plan_is_empty(plan))
		buf_format(out, "no changes: app %s has the native Machine%s of %zu job%s\n",
			   plan->question.app, counts[NATIVE_KEEP] == 1 ? "" : "s",
			   counts[NATIVE_KEEP], counts[NATIVE_KEEP] == 1 ? "" : "s");
	else
		buf_format(out,
			   "Plan: app %s: %zu to create, %zu to update, %zu to destroy, %zu "
			   "unchanged\n",
			   plan->question.app, counts[NATIVE_CREATE], counts[NATIVE_UPDATE],
			   counts[NATIVE_DESTROY], counts[NATIVE_KEEP]);
}

/* ---- for programs ---- */

static const char *const words[NATIVE_ACTION_COUNT] = {"create", "update", "keep", "destroy",
						       "orphan"};

/* A text that is no UTF-8 is none. */
static json_t *text_or_null(const char *text)
{
	json_t *value = text ? json_string(text) : NULL;

	return value ? value : json_null();
}

static json_t *changes_json(const struct native_step *step)
{
	json_t *list = json_array();

	for (size_t i = 0; i < step->change_count; i++) {
		json_t *item = json_object();

		json_object_set_new(item, "key", text_or_null(step->changes[i].path));
		json_object_set_new(item, "before", text_or_null(step->changes[i].before));
		json_object_set_new(item, "after", text_or_null(step->changes[i].after));
		json_array_append_new(list, item);
	}
	return list;
}

static json_t *step_json(const struct native_step *step, bool is_applied)
{
	json_t *item = json_object();
	const char *machine = step->machine ? step->machine->is.id : step->made;

	json_object_set_new(item, "action", json_string(words[step->action]));
	json_object_set_new(item, "job", text_or_null(step->job));
	json_object_set_new(item, "schedule",
			    text_or_null(step->wanted ? step->wanted->job->remote.native : NULL));
	json_object_set_new(item, "machine", text_or_null(machine));
	json_object_set_new(item, "why", text_or_null(step->why));
	json_object_set_new(item, "changes", changes_json(step));
	if (is_applied) {
		json_object_set_new(item, "done", json_boolean(step->is_done));
		json_object_set_new(item, "failure", text_or_null(step->failure));
	}
	return item;
}

json_t *native_plan_json(const struct native_plan *plan, bool is_applied)
{
	json_t *answer = json_object(), *steps = json_array(), *counts = json_object();

	for (size_t i = 0; i < plan->step_count; i++)
		json_array_append_new(steps, step_json(&plan->steps[i], is_applied));
	for (int i = 0; i < NATIVE_ACTION_COUNT; i++)
		json_object_set_new(counts, words[i], json_integer((json_int_t)plan->counts[i]));
	json_object_set_new(answer, "app", text_or_null(plan->question.app));
	json_object_set_new(answer, "is_empty", json_boolean(native_plan_is_empty(plan)));
	json_object_set_new(answer, "counts", counts);
	json_object_set_new(answer, "steps", steps);
	return answer;
}

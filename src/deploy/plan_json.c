/* plan_json.c - a plan for programs; see plan.h. */
#include "plan_shown.h"
#include "run.h"

static void add_value(struct buf *out, const char *key, const char *json)
{
	if (json)
		buf_json_raw(out, key, json);
	else
		buf_json_null(out, key);
}

static void add_fires(struct buf *out, const char *key, const struct plan_fires *fires)
{
	buf_json_open(out, key, '[');
	for (size_t i = 0; i < fires->count; i++)
		buf_json_time(out, NULL, fires->items[i]);
	buf_json_close(out, ']');
}

static void add_changes(struct buf *out, const struct plan_step *step)
{
	buf_json_open(out, "keys", '[');
	for (size_t i = 0; i < step->change_count; i++) {
		const struct key_change *change = &step->changes[i];

		buf_json_open(out, NULL, '{');
		buf_json_text(out, "path", change->path);
		add_value(out, "before", change->before);
		add_value(out, "after", change->after);
		buf_json_bool(out, "hidden", change->is_hidden);
		buf_json_close(out, '}');
	}
	buf_json_close(out, ']');
}

static void add_next(struct buf *out, const struct plan_step *step)
{
	if (!step->moves_fires) {
		buf_json_null(out, "next");
		return;
	}
	buf_json_open(out, "next", '{');
	add_fires(out, "before", &step->fires_before);
	add_fires(out, "after", &step->fires_after);
	buf_json_close(out, '}');
}

static void add_step(struct buf *out, const struct plan_step *step)
{
	char id[RUN_ID_TEXT_MAX];

	buf_json_open(out, NULL, '{');
	buf_json_text(out, "job", step->job);
	buf_json_text(out, "change", plan_kind_word(step->kind));
	buf_json_text(out, "was", step->was);
	add_changes(out, step);
	add_next(out, step);
	buf_json_open(out, "running", '[');
	for (size_t i = 0; i < step->running_count; i++)
		buf_json_text(out, NULL, run_id_format(step->running[i], id));
	buf_json_close(out, ']');
	buf_json_time(out, "due_soon", step->soon);
	buf_json_close(out, '}');
}

static void add_warnings(struct buf *out, const struct plan *plan)
{
	const struct finding *warning;

	buf_json_open(out, "warnings", '[');
	for (size_t i = 0; (warning = plan_shown_next_warning(plan, &i));) {
		buf_json_open(out, NULL, '{');
		buf_json_int(out, "line", warning->line);
		buf_json_int(out, "column", warning->column);
		buf_json_text(out, "path", warning->path);
		buf_json_text(out, "job", warning->job);
		buf_json_text(out, "message", warning->message);
		buf_json_close(out, '}');
	}
	buf_json_close(out, ']');
}

void plan_json(const struct plan *plan, struct buf *out)
{
	const struct plan_question *q = &plan->question;

	buf_json_open(out, NULL, '{');
	buf_json_int(out, "revision", q->revision);
	buf_json_text(out, "hash_before", q->hash_before);
	buf_json_text(out, "hash_after", q->hash_after);
	buf_json_bool(out, "is_same_content", plan_is_same_content(plan));
	buf_json_open(out, "counts", '{');
	for (int kind = 0; kind < PLAN_KIND_COUNT; kind++)
		buf_json_int(out, plan_kind_word((enum plan_kind)kind),
			     (int64_t)plan->counts[kind]);
	buf_json_close(out, '}');
	buf_json_open(out, "steps", '[');
	for (size_t i = 0; i < plan->step_count; i++)
		if (plan->steps[i].kind != PLAN_UNCHANGED)
			add_step(out, &plan->steps[i]);
	buf_json_close(out, ']');
	add_warnings(out, plan);
	buf_json_close(out, '}');
}

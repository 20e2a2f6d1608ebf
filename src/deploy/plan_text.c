/* plan_text.c - a plan for people; see plan.h. */
#include <string.h>

#include "plan_shown.h"

#define INDENT "    "

static void add_head(const struct plan_step *step, struct buf *out)
{
	buf_format(out, "%c %s: %s", plan_shown_sign(step->kind), step->job,
		   plan_kind_word(step->kind));
	if (step->was)
		buf_format(out, " (was %s)", step->was);
	buf_char(out, '\n');
}

static void add_changes(const struct plan_step *step, struct buf *out)
{
	for (size_t i = 0; i < step->change_count; i++) {
		const struct key_change *change = &step->changes[i];

		buf_format(out, INDENT "%s: ", change->path);
		if (step->before)
			buf_format(out, "%s → ", plan_shown_value(change->before));
		buf_format(out, "%s\n", plan_shown_value(change->after));
	}
}

static void pad(struct buf *out, size_t from, size_t width)
{
	size_t columns = out->length - from; /* dates are ASCII */

	for (; columns < width; columns++)
		buf_char(out, ' ');
}

static void add_both(const struct plan_step *step, struct buf *out)
{
	enum { COLUMN = 28 };

	buf_format(out, INDENT "%-*s  %s\n", COLUMN, "next fires before", "after");
	for (size_t i = 0; i < plan_shown_rows(step); i++) {
		buf_text(out, INDENT);
		size_t from = out->length;
		plan_shown_fire(step->before, &step->fires_before, i, out);
		pad(out, from, COLUMN + 2);
		plan_shown_fire(step->after, &step->fires_after, i, out);
		while (out->data[out->length - 1] == ' ')
			out->length--;
		buf_char(out, '\n');
	}
}

static void add_one(const struct job *job, const struct plan_fires *fires, const char *title,
		    struct buf *out)
{
	for (size_t i = 0; i < (fires->count ? fires->count : 1); i++) {
		buf_format(out, INDENT "%-*s", (int)strlen(title), i ? "" : title);
		plan_shown_fire(job, fires, i, out);
		buf_char(out, '\n');
	}
}

static void add_fires(const struct plan_step *step, struct buf *out)
{
	if (!step->before)
		add_one(step->after, &step->fires_after, "next fires: ", out);
	else if (!step->after)
		add_one(step->before, &step->fires_before, "no longer at: ", out);
	else if (plan_shown_same_fires(step))
		buf_text(out, INDENT "next fires: as before\n");
	else
		add_both(step, out);
}

static void add_notes(const struct plan_step *step, struct buf *out)
{
	struct buf note = {0};

	if (plan_shown_soon(step, &note))
		buf_format(out, INDENT "! %s\n", buf_string(&note));
	buf_clear(&note);
	if (plan_shown_running(step, &note))
		buf_format(out, INDENT "! %s\n", buf_string(&note));
	buf_finish(&note);
}

static void add_step(const struct plan_step *step, struct buf *out)
{
	add_head(step, out);
	add_changes(step, out);
	if (step->moves_fires)
		add_fires(step, out);
	add_notes(step, out);
	buf_char(out, '\n');
}

void plan_text(const struct plan *plan, struct buf *out)
{
	const struct finding *warning;

	for (size_t i = 0; i < plan->step_count; i++)
		if (plan->steps[i].kind != PLAN_UNCHANGED)
			add_step(&plan->steps[i], out);
	for (size_t i = 0; (warning = plan_shown_next_warning(plan, &i));) {
		buf_text(out, "warning: ");
		plan_shown_warning(warning, out);
		buf_char(out, '\n');
	}
	buf_text(out, "Plan: ");
	plan_shown_counts(plan, out);
	if (plan->question.revision)
		buf_format(out, " (against revision %lld)", (long long)plan->question.revision);
	buf_char(out, '\n');
}

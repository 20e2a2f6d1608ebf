/* plan_markdown.c - a plan as a comment on a pull request (GitHub's Markdown); see plan.h. */
#include <string.h>

#include "plan_shown.h"

/* In a table's cell a bar ends the cell, a line end the row; backticks are fenced by more
 * of them than the text has in a row. */
static void add_code(struct buf *out, const char *text)
{
	size_t most = 0, row = 0;

	for (const char *c = text; *c; c++) {
		row = *c == '`' ? row + 1 : 0;
		most = row > most ? row : most;
	}
	for (size_t i = 0; i <= most; i++)
		buf_char(out, '`');
	buf_text(out, most ? " " : "");
	for (const char *c = text; *c; c++) {
		if (*c == '|')
			buf_char(out, '\\');
		buf_char(out, *c == '\n' ? ' ' : *c);
	}
	buf_text(out, most ? " " : "");
	for (size_t i = 0; i <= most; i++)
		buf_char(out, '`');
}

static void add_value(struct buf *out, const char *json)
{
	if (json)
		add_code(out, json);
	else
		buf_text(out, plan_shown_value(json));
}

/* A table's row of two or three cells; of a new job there is nothing before. */
static void add_change(const struct plan_step *step, const struct key_change *change,
		       struct buf *out)
{
	buf_text(out, "| ");
	add_code(out, change->path);
	if (step->before) {
		buf_text(out, " | ");
		add_value(out, change->before);
	}
	buf_text(out, " | ");
	add_value(out, change->after);
	buf_text(out, " |\n");
}

static void add_changes(const struct plan_step *step, struct buf *out)
{
	if (!step->change_count)
		return;
	buf_text(out, step->before ? "| key | before | after |\n|---|---|---|\n"
				   : "| key | value |\n|---|---|\n");
	for (size_t i = 0; i < step->change_count; i++)
		add_change(step, &step->changes[i], out);
	buf_char(out, '\n');
}

/* Of a new or a deleted job: one column. */
static void add_one(const struct job *job, const struct plan_fires *fires, const char *title,
		    struct buf *out)
{
	buf_format(out, "| %s |\n|---|\n", title);
	for (size_t i = 0; i < (fires->count ? fires->count : 1); i++) {
		buf_text(out, "| ");
		plan_shown_fire(job, fires, i, out);
		buf_text(out, " |\n");
	}
	buf_char(out, '\n');
}

static void add_both(const struct plan_step *step, struct buf *out)
{
	buf_text(out, "| next fires before | after |\n|---|---|\n");
	for (size_t i = 0; i < plan_shown_rows(step); i++) {
		buf_text(out, "| ");
		plan_shown_fire(step->before, &step->fires_before, i, out);
		buf_text(out, " | ");
		plan_shown_fire(step->after, &step->fires_after, i, out);
		buf_text(out, " |\n");
	}
	buf_char(out, '\n');
}

static void add_fires(const struct plan_step *step, struct buf *out)
{
	if (!step->before)
		add_one(step->after, &step->fires_after, "next fires", out);
	else if (!step->after)
		add_one(step->before, &step->fires_before, "no longer at", out);
	else if (plan_shown_same_fires(step))
		buf_text(out, "Next fires: as before.\n\n");
	else
		add_both(step, out);
}

static void add_notes(const struct plan_step *step, struct buf *out)
{
	struct buf note = {0};

	if (plan_shown_soon(step, &note))
		buf_format(out, "> %s\n\n", buf_string(&note));
	buf_clear(&note);
	if (plan_shown_running(step, &note))
		buf_format(out, "> %s\n\n", buf_string(&note));
	buf_finish(&note);
}

static void add_step(const struct plan_step *step, struct buf *out)
{
	buf_text(out, "#### ");
	add_code(out, step->job);
	buf_format(out, ": %s", plan_kind_word(step->kind));
	if (step->was) {
		buf_text(out, " from ");
		add_code(out, step->was);
	}
	buf_text(out, "\n\n");
	add_changes(step, out);
	if (step->moves_fires)
		add_fires(step, out);
	add_notes(step, out);
}

void plan_markdown(const struct plan *plan, struct buf *out)
{
	const struct finding *warning;
	struct buf line = {0};

	buf_text(out, "### belfry plan: ");
	plan_shown_counts(plan, out);
	buf_text(out, "\n\n");
	for (size_t i = 0; i < plan->step_count; i++)
		if (plan->steps[i].kind != PLAN_UNCHANGED)
			add_step(&plan->steps[i], out);
	for (size_t i = 0; (warning = plan_shown_next_warning(plan, &i));) {
		buf_clear(&line);
		plan_shown_warning(warning, &line);
		buf_text(out, "- ⚠ ");
		add_code(out, buf_string(&line));
		buf_char(out, '\n');
	}
	buf_finish(&line);
}

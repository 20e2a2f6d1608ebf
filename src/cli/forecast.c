/*
 * forecast.c - `belfry forecast`: how many jobs start when.
 */
#include "forecast.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "jobs_file.h"
#include "moment.h"
#include "progress.h"
#include "say.h"
#include "verbs.h"
#include "when.h"
#include "zone_offer.h"

enum { BUSIEST = 10, EVENTS_MAX = 20000, EVENTS_MOST = 1000000 };
enum { PATIENCE_MS = 500, REDRAW_MS = 100, BAR_WIDTH = 40 };
#define WEEK_S    INT64_C(604800)
#define YEARS_END INT64_C(7258118400) /* 2200-01-01: no schedule goes further */

/* ---- progress ---- */

struct counting {
	struct progress progress;
	int64_t shown_ms; /* when it was drawn last; at first, when it may be */
};

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void show_progress(void *context, double share)
{
	struct counting *counting = context;
	int64_t now = clock_ms();
	char bar[BAR_WIDTH + 1] = {0};
	struct buf text = {0};

	if (now < counting->shown_ms + REDRAW_MS)
		return;
	counting->shown_ms = now;
	for (int i = 0; i < BAR_WIDTH; i++)
		bar[i] = (double)i < share * BAR_WIDTH ? '#' : ' ';
	buf_format(&text, "counting [%s] %d%%", bar, (int)(share * 100));
	progress_show(&counting->progress, buf_string(&text));
	buf_finish(&text);
}

/* ---- what is asked ---- */

static bool find_zone(const struct args *args, const struct jobs_file *file,
		      const struct zone **zone, struct err *err)
{
	const struct zone_source *zones = zoneinfo_source(file->zones);
	const char *name = args_value(args, "tz");
	struct err why;

	if (!name)
		name = file->config->timezone ? file->config->timezone : "UTC";
	*zone = zones->get(zones->context, name, &why);
	if (*zone)
		return true;
	zone_unknown(zones, name, &why, err->text, sizeof(err->text));
	return err_wrap(err, "--tz");
}

static bool read_instant(const struct args *args, const char *option, const struct zone *zone,
			 int64_t *utc_s, struct err *err)
{
	const char *text = args_value(args, option);
	struct moment moment;
	struct utc at;

	if (!text)
		return true;
	if (!utc_parse(text, strlen(text), &at)) {
		if (!moment_parse(text, strlen(text), &moment))
			return err_set(err,
				       "--%s takes an instant such as 2026-03-29T01:00:00Z, or a "
				       "date or date-time by the clock of %s, not '%s'",
				       option, zone_name(zone), text);
		at.ms = moment_instant_ms(&moment, zone);
	}
	if (at.ms < 0 || at.ms / 1000 > YEARS_END)
		return err_set(err, "--%s '%s' is outside the years 1970 to 2199", option, text);
	*utc_s = at.ms / 1000;
	return true;
}

static bool read_window(const struct args *args, struct forecast_answer *answer, struct err *err)
{
	struct forecast_question *q = &answer->question;

	answer->is_coming_week = !args_has(args, "from") && !args_has(args, "to");
	q->from_s = when_now().ms / 1000;
	if (!read_instant(args, "from", q->zone, &q->from_s, err))
		return false;
	/* A week by the clock, whatever the clock does in it. */
	q->to_s = moment_of_reading(q->zone, q->from_s + zone_offset(q->zone, q->from_s) + WEEK_S);
	if (!read_instant(args, "to", q->zone, &q->to_s, err))
		return false;
	return q->to_s > q->from_s || err_set(err, "--to has to be later than --from%s",
					      args_has(args, "from") ? "" : " (now)");
}

static bool is_wanted(const struct args *args, const char *name)
{
	bool is_any_named = false;

	for (size_t i = 0; i < args->given_count; i++) {
		if (strcmp(args->given[i].row->name, "job") != 0)
			continue;
		if (strcmp(args->given[i].value, name) == 0)
			return true;
		is_any_named = true;
	}
	return !is_any_named;
}

static bool are_known(const struct args *args, const struct jobs_file *file)
{
	for (size_t i = 0; i < args->given_count; i++)
		if (strcmp(args->given[i].row->name, "job") == 0 &&
		    !jobs_file_find(file, args, args->given[i].value))
			return false;
	return true;
}

/* Jobs that can start by themselves at a known time. */
static struct forecast_job *choose_jobs(const struct args *args, const struct jobs_file *file,
					struct forecast_answer *answer)
{
	const struct config *config = file->config;
	struct forecast_job *jobs = mem_alloc((config->job_count + 1) * sizeof(*jobs));
	size_t count = 0;

	for (size_t i = 0; i < config->job_count; i++) {
		const struct job *job = &config->jobs[i];

		if (!is_wanted(args, job->name))
			continue;
		if (!job->enabled)
			answer->disabled_count++;
		else if (schedule_is_reboot(job->schedule))
			answer->reboot_count++;
		else
			jobs[count++] =
				(struct forecast_job){job->name, job->schedule_text, job->schedule};
	}
	answer->question.job_count = count;
	return jobs;
}

/* ---- the verb ---- */

static int print(const struct args *args, const struct forecast_answer *answer)
{
	struct buf out = {0};

	if (args_has(args, "json")) {
		forecast_json(answer, &out);
		return say_print(args, &out);
	}
	forecast_show(answer, &out);
	return say_text(args, &out);
}

static int print_ics(const struct args *args, const struct forecast_answer *answer, int64_t limit)
{
	uint64_t total = answer->forecast.total;
	struct buf out = {0};
	struct err err;

	if (total == 0)
		err_set(&err, "nothing starts in this window, and a calendar needs an event");
	else if (total > (uint64_t)limit)
		err_set(&err,
			"%llu starts would be as many events, which is more than --limit %lld; "
			"choose jobs with --job, a shorter window with --from and --to, or a "
			"higher --limit",
			(unsigned long long)total, (long long)limit);
	else {
		forecast_ics(&answer->question, when_now(), &out);
		return say_print(args, &out);
	}
	return say_failed(args, &err);
}

static int carry_out(const struct args *args, struct forecast_answer *answer, int64_t limit)
{
	struct counting counting = {.shown_ms = clock_ms() + PATIENCE_MS - REDRAW_MS};
	struct arena arena = {0};

	progress_init(&counting.progress);
	answer->question.progress = show_progress;
	answer->question.context = &counting;
	forecast_count(&answer->question, &answer->forecast);
	if (!args_has(args, "ics"))
		answer->pile_up_count = pile_ups_find(&answer->question, &answer->forecast, &arena,
						      answer->pile_ups);
	progress_hide(&counting.progress);
	int code = args_has(args, "ics") ? print_ics(args, answer, limit) : print(args, answer);
	arena_finish(&arena);
	return code;
}

static int run_with(const struct args *args, const struct jobs_file *file, int64_t top,
		    int64_t limit)
{
	struct forecast_answer *made = mem_alloc(sizeof(*made));
	int code = CLI_USAGE;
	struct err err;

	made->file = jobs_file_name(file->path);
	made->question.busiest_max = (size_t)top;
	if (!find_zone(args, file, &made->question.zone, &err) || !read_window(args, made, &err)) {
		say_usage(args, &err);
	} else if (are_known(args, file)) {
		struct forecast_job *jobs = choose_jobs(args, file, made);
		made->question.jobs = jobs;
		code = carry_out(args, made, limit);
		free(jobs);
	}
	free(made);
	return code;
}

static int run(const struct args *args)
{
	const char *path = args_operand(args, 0);
	int64_t top, limit;
	struct jobs_file file;
	struct err err;

	if (!args_number(args, "top", 1, FORECAST_BUSIEST_MAX, BUSIEST, &top, &err) ||
	    !args_number(args, "limit", 1, EVENTS_MOST, EVENTS_MAX, &limit, &err))
		return say_usage(args, &err);
	if (args_has(args, "ics") && args_has(args, "json")) {
		err_set(&err, "give either --json or --ics, not both");
		return say_usage(args, &err);
	}
	int code = jobs_file_open(&file, args, path ? path : JOBS_FILE_DEFAULT);
	if (code == CLI_OK)
		code = run_with(args, &file, top, limit);
	jobs_file_finish(&file);
	return code;
}

static const struct option_row options[] = {
	{.name = "from", .value = "TIME", .summary = "starts at or after TIME (now)"},
	{.name = "to", .value = "TIME", .summary = "starts before TIME (a week after --from)"},
	{.name = "tz",
	 .value = "ZONE",
	 .summary = "whose hours and weekdays (the file's)",
	 .complete = COMPLETE_ZONE},
	{.name = "job",
	 .letter = 'j',
	 .value = "JOB",
	 .summary = "that job only; may be given again",
	 .complete = COMPLETE_JOB},
	{.name = "top",
	 .letter = 'n',
	 .value = "N",
	 .summary = "so many of the busiest seconds (10)"},
	{.name = "ics", .summary = "an iCalendar with an event for each start"},
	{.name = "limit", .value = "N", .summary = "at most so many events of --ics (20000)"},
	{0},
};

const struct command command_forecast = {
	.name = "forecast",
	.operands = "[FILE]",
	.operands_max = 1,
	.complete = COMPLETE_FILE,
	.summary = "how many jobs start when",
	.description =
		"Counts the starts of all enabled jobs of FILE (schedules.json), jitter applied:\n"
		"by hour and weekday, the busiest seconds, and what piles up at :00 with the H or\n"
		"the jitter that would spread it. TIME is an instant (RFC 3339), or a date or\n"
		"date-time in the zone.",
	.examples = "  belfry forecast\n"
		    "  belfry forecast --from 2026-01-01 --to 2027-01-01 --json\n"
		    "  belfry forecast --job send-reminders --ics > reminders.ics\n",
	.options = options,
	.run = run,
};

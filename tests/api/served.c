/*
 * served.c - the real API on the real loop and server over a memory store, with doors
 * that this program keeps itself, for test_api.py.
 *
 * Prints its address, then does what lines on standard input say and answers each with
 * one line. At the end of the input everything is taken apart.
 *	claim JOB            a run that is recorded; answers its id
 *	start ID             it runs now
 *	log ID STREAM HEX    output, committed
 *	end ID OUTCOME CODE  its end, committed
 *	missed JOB COUNT     a stretch of missed instants
 *	downtime SECONDS     from the first instant on, with one skip; the store had it then
 *	revise JSON          a revision with these changes
 *	jobs N               N jobs in force
 *	hold yes|no          claims stay out of the store (they are "on the way")
 *	store-error TEXT     health tells it; "-" for none
 *	config-error TEXT    the same
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api.h"
#include "buf.h"

enum { OPEN_MAX = 2048, NOW_MS = 1000 };
static const int64_t start_ms = INT64_C(1774746000000); /* 2026-03-29T01:00:00Z */

struct served {
	struct loop *loop;
	struct loop_fd *input;
	struct api *api;
	struct api_world world;
	struct arena arena;
	struct buf line;
	struct run open[OPEN_MAX];
	size_t open_count;
	struct pause pause; /* of one job at a time; job NULL: none */
	uint64_t last_run;
	int64_t ticks, position;
	bool holds;
	char store_error[128], config_error[128];
};

static struct utc tick(struct served *served)
{
	return (struct utc){start_ms + NOW_MS * served->ticks++};
}

static void apply(struct served *served, struct record record)
{
	struct err err;

	if (!store_apply(served->world.store, &record, 1, &err)) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
}

/* ---- jobs ---- */

static void set_jobs(struct served *served, size_t count)
{
	static const char *const argv[] = {"send", "--to", "${ADDRESS}", NULL};
	struct arena *arena = &served->arena;
	struct job *jobs = arena_array(arena, struct job, count + 1);

	for (size_t i = 0; i < count; i++) {
		struct job *job = &jobs[i];
		struct schedule_error errors[1];

		job->name = i == 0   ? "send-reminders"
			    : i == 1 ? "weekly digest/\xc3\xa9"
				     : arena_format(arena, "job-%zu", i);
		job->schedule_text = "0 9 * * *";
		job->timezone = "UTC";
		job->enabled = true;
		job->argv_shown = (struct text_list){argv, 3};
		size_t wrong = schedule_parse_cron(
			arena, "0 9 * * *", 9, &(struct schedule_context){.job_name = job->name},
			&job->schedule, errors, 1);
		assert(wrong == 0);
	}
	served->world.jobs = jobs;
	served->world.job_count = count;
	served->world.revision++;
}

/* ---- doors ---- */

static struct run *find_open(struct served *served, uint64_t id)
{
	for (size_t i = 0; i < served->open_count; i++)
		if (served->open[i].id == id)
			return &served->open[i];
	return NULL;
}

static uint64_t claim(struct served *served, const char *job, bool is_dry_run)
{
	struct utc now = tick(served);

	assert(served->open_count < OPEN_MAX);
	served->last_run = run_id_next(served->last_run, now, 1);
	struct run run = {.id = served->last_run,
			  .job = arena_text(&served->arena, job),
			  .trigger = TRIGGER_MANUAL,
			  .scheduled_at = UTC_NONE,
			  .revision = served->world.revision,
			  .dry_run = is_dry_run,
			  .attempt = 1,
			  .claimed_at = now,
			  .started_at = UTC_NONE,
			  .finished_at = UTC_NONE,
			  .exit_code = -1,
			  .processed = -1,
			  .failed = -1,
			  .cpu_ms = -1,
			  .max_rss_kib = -1};
	served->open[served->open_count++] = run;
	if (!served->holds)
		apply(served, (struct record){.kind = RECORD_CLAIM, .run = run});
	return run.id;
}

static void end(struct served *served, struct run *run, enum outcome outcome, int code)
{
	uint64_t id = run->id;

	run->state = RUN_FINISHED;
	run->outcome = outcome;
	run->exit_code = code;
	run->finished_at = tick(served);
	struct attempt attempt = {.run = id,
				  .number = 1,
				  .outcome = outcome,
				  .started_at = run->started_at,
				  .finished_at = run->finished_at,
				  .exit_code = code};
	apply(served, (struct record){.kind = RECORD_ATTEMPT, .attempt = attempt});
	apply(served, (struct record){.kind = RECORD_RUN, .run = *run});
	*run = served->open[--served->open_count];
	api_run_changed(served->api, id);
}

static uint64_t door_trigger(void *context, const char *job, bool is_dry_run, struct arena *arena,
			     const char **why)
{
	struct served *served = context;

	for (size_t i = 0; i < served->open_count; i++) {
		if (!is_dry_run && strcmp(served->open[i].job, job) == 0) {
			*why = arena_format(arena, "job \"%s\" is running already", job);
			return 0;
		}
	}
	return claim(served, job, is_dry_run);
}

static void door_cancel(void *context, uint64_t id)
{
	struct served *served = context;

	end(served, find_open(served, id), OUTCOME_CANCELED, -1);
}

static bool door_pause(void *context, const struct pause *pause, struct arena *arena,
		       const char **why)
{
	struct served *served = context;

	if (utc_is_set(pause->until) && pause->until.ms <= served->pause.since.ms) {
		*why = arena_format(arena, "a pause of %s has to end in the future", pause->job);
		return false;
	}
	served->pause = (struct pause){
		.job = arena_text(&served->arena, pause->job),
		.since = tick(served),
		.until = pause->until,
		.reason = pause->reason ? arena_text(&served->arena, pause->reason) : NULL,
		.by = pause->by ? arena_text(&served->arena, pause->by) : NULL};
	return true;
}

static void door_resume(void *context, const char *job, const char *by)
{
	struct served *served = context;

	(void)by;
	if (served->pause.job && strcmp(served->pause.job, job) == 0)
		served->pause.job = NULL;
}

static const struct pause *door_find_pause(void *context, const char *job)
{
	const struct served *served = context;
	bool is_it = served->pause.job && strcmp(served->pause.job, job) == 0;

	return is_it ? &served->pause : NULL;
}

static const struct run *door_find(void *context, uint64_t id)
{
	return find_open(context, id);
}

static void door_each(void *context, api_run_fn *fn, void *fn_context)
{
	struct served *served = context;

	for (size_t i = 0; i < served->open_count; i++)
		fn(fn_context, &served->open[i]);
}

static bool door_next(void *context, const char *job, struct utc *at)
{
	(void)context;
	*at = (struct utc){start_ms};
	return strcmp(job, "send-reminders") == 0;
}

static void door_health(void *context, struct arena *arena, struct api_health *health)
{
	struct served *served = context;

	(void)arena;
	health->running = served->open_count;
	if (served->store_error[0])
		health->store_failure = served->store_error;
	if (served->config_error[0])
		health->config_error = served->config_error;
}

static struct utc door_now(void *context)
{
	(void)context;
	return (struct utc){start_ms};
}

/* ---- commands ---- */

static void add_log(struct served *served, uint64_t id, const char *stream, const char *hex)
{
	struct buf data = {0};
	struct log_chunk chunk = {.run = id, .attempt = 1, .at = tick(served)};

	for (; hex[0] && hex[1]; hex += 2) {
		char digits[3] = {hex[0], hex[1], '\0'};

		buf_char(&data, (char)strtoul(digits, NULL, 16));
	}
	bool is_stream = stream_from_word(stream, &chunk.stream);
	assert(is_stream);
	chunk.position = served->position;
	chunk.data = buf_string(&data);
	chunk.length = data.length;
	served->position += (int64_t)data.length;
	apply(served, (struct record){.kind = RECORD_LOG, .log = chunk});
	api_run_changed(served->api, id);
	buf_finish(&data);
}

static void add_missed(struct served *served, const char *job, int count)
{
	struct utc first = tick(served);
	struct occurrence occurrence = {.job = job,
					.scheduled_at = first,
					.state = OCCURRENCE_MISSED,
					.reason = REASON_DOWN,
					.last_at = utc_add(first, 500),
					.count = count,
					.recorded_at = tick(served)};

	apply(served, (struct record){.kind = RECORD_OCCURRENCE, .occurrence = occurrence});
}

static void add_downtime(struct served *served, int seconds)
{
	struct downtime downtime = {.kind = ABSENCE_DOWN,
				    .since = {start_ms},
				    .until = {start_ms + seconds * NOW_MS},
				    .is_exact = true,
				    .counts = {.skipped = 1}};

	apply(served, (struct record){.kind = RECORD_DOWNTIME, .downtime = downtime});
}

static void revise(struct served *served, const char *changes)
{
	struct revision revision = {.number = ++served->world.revision,
				    .applied_at = tick(served),
				    .hash = "00ff",
				    .author = "tester@here",
				    .source = "schedules.json",
				    .changes = changes,
				    .content = "[]",
				    .length = 2};

	apply(served, (struct record){.kind = RECORD_REVISION, .revision = revision});
}

static void set_text(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", strcmp(text, "-") == 0 ? "" : text);
}

/* log, start, end; what follows the id is "one two". */
static void of_run(struct served *served, const char *verb, uint64_t id, const char *rest)
{
	struct run *run = find_open(served, id);
	enum outcome outcome = OUTCOME_NONE;
	char one[16] = "";
	int at = 0;

	sscanf(rest, "%15s %n", one, &at);
	if (strcmp(verb, "log") == 0) {
		add_log(served, id, one, rest + at);
		return;
	}
	assert(run);
	if (strcmp(verb, "start") == 0) {
		run->state = RUN_RUNNING;
		run->started_at = tick(served);
		apply(served, (struct record){.kind = RECORD_RUN, .run = *run});
		return;
	}
	bool is_end = strcmp(verb, "end") == 0 && outcome_from_word(one, &outcome);
	assert(is_end);
	end(served, run, outcome, atoi(rest + at));
}

/* "verb one two", two being the rest of the line. */
static void obey(struct served *served, char *line)
{
	char *verb = strsep(&line, " "), *one = strsep(&line, " ");
	const char *two = line ? line : "";
	char text[RUN_ID_TEXT_MAX] = "ok";
	uint64_t id;

	if (strcmp(verb, "claim") == 0)
		run_id_format(claim(served, one, false), text);
	else if (strcmp(verb, "jobs") == 0)
		set_jobs(served, (size_t)atoi(one));
	else if (strcmp(verb, "hold") == 0)
		served->holds = strcmp(one, "yes") == 0;
	else if (strcmp(verb, "missed") == 0)
		add_missed(served, one, atoi(two));
	else if (strcmp(verb, "downtime") == 0)
		add_downtime(served, atoi(one));
	else if (strcmp(verb, "revise") == 0)
		revise(served, one);
	else if (strcmp(verb, "store-error") == 0)
		set_text(served->store_error, sizeof(served->store_error), one);
	else if (strcmp(verb, "config-error") == 0)
		set_text(served->config_error, sizeof(served->config_error), one);
	else if (run_id_parse(one, &id))
		of_run(served, verb, id, two);
	else
		abort();
	printf("%s\n", text);
}

static void on_input(void *context, unsigned ready)
{
	struct served *served = context;
	char piece[65536];
	ssize_t n = read(STDIN_FILENO, piece, sizeof(piece));
	char *newline;

	(void)ready;
	if (n <= 0) {
		loop_stop(served->loop);
		return;
	}
	buf_add(&served->line, piece, (size_t)n);
	while ((newline = memchr(served->line.data, '\n', served->line.length))) {
		*newline = '\0';
		size_t length = (size_t)(newline - served->line.data) + 1;
		obey(served, served->line.data);
		buf_drop_front(&served->line, length);
	}
}

static bool door_job_written(void *context, const struct revision *revision, const char *job,
			     struct buf *out)
{
	(void)context, (void)revision;
	buf_json_text(out, "job", job);
	return true;
}

static struct mono door_mono(void *context)
{
	(void)context;
	return (struct mono){0};
}

static bool door_token(void *context, const struct token *token)
{
	struct record record = {.kind = RECORD_TOKEN};

	record.token = *token;
	apply(context, record);
	return true;
}

static void door_audit(void *context, const struct audit *audit)
{
	static int64_t number;
	struct record record = {.kind = RECORD_AUDIT};

	record.audit = *audit;
	record.audit.number = ++number;
	apply(context, record);
}

static void door_denied(void *context, const char *address, const char *who, const char *why)
{
	(void)context, (void)address, (void)who, (void)why;
}

/* Three pieces, the second of which is empty. */
static bool door_metrics(void *context, struct api_metrics_place *place, bool is_openmetrics,
			 struct buf *out)
{
	(void)context;
	if (place->family == 0)
		buf_format(out, "begin %d\n", is_openmetrics);
	else if (place->family == 2)
		buf_text(out, "end\n");
	return place->family++ < 2;
}

static struct api *open_api(struct served *served, struct err *err)
{
	struct http_address address;
	struct api_options options = {.address = &address, .world = &served->world};
	struct api_doors doors = {.mono = door_mono,
				  .token = door_token,
				  .audit = door_audit,
				  .denied = door_denied,
				  .trigger = door_trigger,
				  .cancel = door_cancel,
				  .pause = door_pause,
				  .resume = door_resume,
				  .find_pause = door_find_pause,
				  .find_run = door_find,
				  .each_run = door_each,
				  .next_fire = door_next,
				  .health = door_health,
				  .job_written = door_job_written,
				  .metrics = door_metrics,
				  .now = door_now,
				  .context = served};

	if (!http_address_parse("127.0.0.1:0", &address, err))
		return NULL;
	options.doors = doors;
	return api_create(served->loop, &options, err);
}

int main(void)
{
	static struct served served;
	char text[HTTP_ADDRESS_TEXT_MAX];
	struct err err = {""};

	setvbuf(stdout, NULL, _IOLBF, 0);
	served.loop = loop_create(&err);
	served.world.store = store_open("memory:", &err);
	served.world.version = "0.0-test";
	set_jobs(&served, 3);
	served.api = served.world.store ? open_api(&served, &err) : NULL;
	if (served.api)
		served.input = loop_fd_create(served.loop, STDIN_FILENO, LOOP_READ, on_input,
					      &served, &err);
	if (!served.input) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	printf("%s\n", http_address_format(api_address(served.api), text));
	loop_run(served.loop);
	api_destroy(served.api);
	loop_fd_destroy(served.input);
	loop_destroy(served.loop);
	store_close(served.world.store);
	arena_finish(&served.arena);
	buf_finish(&served.line);
	return 0;
}

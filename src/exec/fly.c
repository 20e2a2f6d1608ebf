/* fly.c - the executor of Fly Machines: its operations and its answers; see fly.h. */
#include "fly.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int64_t fly_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct utc utc_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (struct utc){(int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000};
}

static struct fly *fly_of(struct executor *executor)
{
	return (struct fly *)executor;
}

/* ---- wards ---- */

struct fly_ward *fly_ward_find(const struct fly *fly, uint64_t run)
{
	struct fly_ward *ward = fly->wards;

	while (ward && ward->run != run)
		ward = ward->next;
	return ward;
}

/* What is under way for it is not waited for. */
static void silence(struct fly_ward *ward)
{
	if (ward->call)
		fly_calls_cancel(ward->fly->calls, ward->call);
	ward->call = NULL;
	fly_log_stop(ward);
	loop_timer_stop(ward->timer);
}

static void clear(struct fly_ward *ward)
{
	silence(ward);
	free(ward->job_name);
	free(ward->app);
	free(ward->machine);
	free(ward->ran_in);
	free(ward->log_token);
	buf_finish(&ward->log_marks);
	result_line_finish(&ward->result);
	arena_finish(&ward->arena);
}

static void destroy_ward(struct fly_ward *ward)
{
	clear(ward);
	loop_timer_destroy(ward->timer);
	loop_timer_destroy(ward->log_timer);
	free(ward);
}

void fly_ward_remove(struct fly_ward *ward)
{
	struct fly_ward **link = &ward->fly->wards;

	while (*link != ward)
		link = &(*link)->next;
	*link = ward->next;
	destroy_ward(ward);
}

/* The run's ward, with nothing known of this attempt. */
static struct fly_ward *renew(struct fly *fly, const struct run *run)
{
	struct fly_ward *ward = fly_ward_find(fly, run->id);

	if (ward) {
		struct fly_ward *next = ward->next;
		struct loop_timer *timer = ward->timer, *log_timer = ward->log_timer;

		clear(ward);
		*ward = (struct fly_ward){.next = next, .timer = timer, .log_timer = log_timer};
	} else {
		ward = mem_alloc(sizeof(*ward));
		ward->next = fly->wards;
		fly->wards = ward;
		ward->timer = loop_timer_create(fly->loop, fly_on_timer, ward);
		ward->log_timer = loop_timer_create(fly->loop, fly_on_log_timer, ward);
	}
	ward->fly = fly;
	ward->run = run->id;
	ward->attempt = run->attempt;
	ward->started_at = UTC_NONE;
	ward->log_position = -1;
	ward->log_last_at = UTC_NONE;
	ward->job_name = mem_copy_text(run->job);
	return ward;
}

/* ---- answers ---- */

static struct event about(const struct fly_ward *ward, enum event_kind kind)
{
	return (struct event){.kind = kind, .run = ward->run, .attempt = ward->attempt};
}

static void conclude(struct fly_ward *ward, const struct event *event)
{
	silence(ward);
	ward->step = FLY_STEP_OVER;
	ward->fly->sink.event(ward->fly->sink.context, event);
	result_line_finish(&ward->result);
}

void fly_say(struct fly_ward *ward, const char *text)
{
	struct utc at = utc_now();
	struct buf line = {0};

	buf_format(&line, "%s\n", text);
	/* Beside the job's lines, whose places are the same whenever they are read again. */
	if (at.ms * 1000 + 999 > ward->say_position)
		ward->say_position = at.ms * 1000 + 999;
	else
		ward->say_position++;
	ward->fly->sink.output(ward->fly->sink.context,
			       &(struct log_chunk){.run = ward->run,
						   .attempt = ward->attempt,
						   .position = ward->say_position,
						   .stream = STREAM_BELFRY,
						   .at = at,
						   .data = line.data,
						   .length = line.length});
	buf_finish(&line);
}

void fly_tell_started(struct fly_ward *ward, struct utc at)
{
	struct event event = about(ward, EVENT_STARTED);

	if (ward->is_told_started)
		return;
	ward->is_told_started = true;
	struct utc now = utc_now();
	int64_t gone_by;

	/* Fly's clock is another one: what it says is not after now. */
	ward->started_at = event.at = utc_is_set(at) && at.ms < now.ms ? at : now;
	gone_by = now.ms - ward->started_at.ms;
	if (ward->timeout_ms)
		ward->ends_ms = fly_now_ms() +
				(gone_by < ward->timeout_ms ? ward->timeout_ms - gone_by : 0);
	event.image = ward->ran_in;
	ward->fly->sink.event(ward->fly->sink.context, &event);
}

void fly_tell_failed(struct fly_ward *ward, const char *why, bool is_passing)
{
	struct event event = about(ward, EVENT_START_FAILED);

	event.message = why;
	event.is_passing = is_passing;
	conclude(ward, &event);
}

void fly_tell_lost(struct fly_ward *ward, const char *why)
{
	struct event event = about(ward, EVENT_LOST);

	event.message = why;
	conclude(ward, &event);
}

void fly_tell_exited(struct fly_ward *ward)
{
	struct event event = about(ward, EVENT_EXITED);
	const struct result_line *result = &ward->result;
	struct utc now = utc_now(), at = ward->exit.at;

	/* As with its start: not after now, and not before it. */
	if (!utc_is_set(at) || at.ms > now.ms)
		at = now;
	if (utc_is_set(ward->started_at) && at.ms < ward->started_at.ms)
		at = ward->started_at;
	result_line_end(&ward->result);
	event.end = (struct attempt_end){
		.started_at = utc_is_set(ward->started_at) ? ward->started_at : at,
		.finished_at = at,
		.exit_code = ward->exit.signal ? -1 : ward->exit.exit_code,
		.signal = ward->exit.signal,
		.timed_out = ward->has_timed_out,
		.out_of_memory = ward->exit.is_oom,
		.output_bytes = ward->output_bytes,
		.cpu_ms = -1,
		.max_rss_kib = -1,
		.has_result = result->has_result,
		.processed = result->has_result ? result->processed : -1,
		.failed = result->has_result ? result->failed : -1,
		.message = result->message,
	};
	conclude(ward, &event);
}

/* ---- the operations ---- */

static const char no_token[] =
	"there is no token for Fly: set FLY_API_TOKEN, or FLY_API_TOKEN_FILE, in belfry's "
	"environment (`fly tokens create deploy`)";

static bool check(struct executor *executor, const struct job *job, struct err *err)
{
	const struct fly *fly = fly_of(executor);
	struct arena arena = {0};
	struct fly_spec spec;
	bool is_fine = fly_spec_read(job, &arena, &spec, err);

	arena_finish(&arena);
	return is_fine && (fly->place.authorization || err_set(err, "%s", no_token));
}

/* The body of the request, but for what is not known yet. */
static bool prepare(struct fly_ward *ward, const struct job *job, const struct run *run,
		    struct err *err)
{
	struct fly *fly = ward->fly;
	const char *const *env;

	if (!fly->place.authorization)
		return err_set(err, "%s", no_token);
	if (!fly_spec_read(job, &ward->arena, &ward->spec, err) ||
	    !order_told(&fly->base, job, run, &ward->arena, &env, err))
		return false;
	struct fly_order order = {.job = job,
				  .run = run,
				  .home = fly->home,
				  .env = env,
				  .is_cron_manager = ward->spec.is_cron_manager};
	struct buf notes = {0};
	char *body = fly_order_body(&order, &notes);
	if (body)
		ward->body = arena_text(&ward->arena, body);
	free(body);
	if (notes.length) {
		notes.data[--notes.length] = '\0'; /* the last line's end */
		fly_say(ward, buf_string(&notes));
	}
	buf_finish(&notes);
	ward->image = ward->spec.image;
	ward->app = mem_copy_text(ward->spec.app);
	ward->timeout_ms = job->timeout_ms;
	ward->grace_ms = job->grace_ms;
	ward->priority = job->priority;
	fly_know_app(fly, ward->app);
	return ward->body || err_set(err, "the Machine's config cannot be written as JSON");
}

static void start(struct executor *executor, const struct job *job, const struct run *run)
{
	struct fly *fly = fly_of(executor);
	struct fly_ward *ward = fly_ward_find(fly, run->id);
	struct err err;

	/* The attempt before this one had a Machine; its end is told and durable. */
	if (ward && ward->machine)
		fly_destroy_machine(ward, false);
	ward = renew(fly, run);
	if (!prepare(ward, job, run, &err))
		fly_tell_failed(ward, err.text, false);
	else if (!fly_record_write(ward, &err))
		fly_tell_failed(ward, err.text, true);
	else
		fly_begin(ward);
}

static void adopt(struct executor *executor, const struct run *run)
{
	struct fly *fly = fly_of(executor);
	struct fly_ward *ward = renew(fly, run);

	if (!fly_record_read(fly, run->id, ward) || ward->attempt != run->attempt) {
		ward->attempt = run->attempt;
		fly_tell_failed(ward, "belfry stopped before it asked Fly for a Machine", true);
		return;
	}
	fly_know_app(fly, ward->app);
	fly_find(ward);
}

static void stop(struct executor *executor, uint64_t run, int64_t grace_ms)
{
	struct fly_ward *ward = fly_ward_find(fly_of(executor), run);

	if (!ward || ward->step >= FLY_STEP_LOG)
		return;
	ward->grace_ms = grace_ms;
	fly_ask_stop(ward);
}

static void forget(struct executor *executor, uint64_t run)
{
	struct fly *fly = fly_of(executor);
	struct fly_ward *ward = fly_ward_find(fly, run);

	if (!ward) {
		fly_record_remove(fly, run);
		return;
	}
	fly_destroy_machine(ward, true);
	fly_ward_remove(ward);
}

static void destroy(struct executor *executor)
{
	struct fly *fly = fly_of(executor);

	for (struct fly_ward *ward = fly->wards, *next; ward; ward = next) {
		next = ward->next;
		destroy_ward(ward);
	}
	fly_calls_destroy(fly->calls);
	while (fly->errands.next)
		fly_errand_finish(fly->errands.next);
	loop_timer_destroy(fly->sweep);
	for (size_t i = 0; i < fly->app_count; i++)
		free(fly->apps[i]);
	free(fly->apps);
	fly_place_finish(&fly->place);
	order_base_finish(&fly->base);
	if (fly->folder >= 0)
		close(fly->folder);
	free(fly);
}

static bool is_idle(const struct executor *executor)
{
	const struct fly *fly = (const struct fly *)executor;

	for (const struct fly_errand *errand = fly->errands.next; errand; errand = errand->next)
		if (errand->machine)
			return false;
	return true;
}

static void follow(struct executor *executor, const struct job *jobs, size_t count)
{
	struct fly *fly = fly_of(executor);
	struct err err;

	for (size_t i = 0; i < count; i++) {
		struct arena arena = {0};
		struct fly_spec spec;

		if (jobs[i].executor == EXECUTOR_FLY &&
		    fly_spec_read(&jobs[i], &arena, &spec, &err))
			fly_know_app(fly, spec.app);
		arena_finish(&arena);
	}
}

static const struct executor_ops ops = {.check = check,
					.start = start,
					.adopt = adopt,
					.stop = stop,
					.forget = forget,
					.is_idle = is_idle,
					.follow = follow,
					.destroy = destroy};

static void on_notice(void *context, const char *text)
{
	const struct fly *fly = context;

	if (fly->sink.notice)
		fly->sink.notice(fly->sink.context, 0, text);
}

struct executor *exec_fly_create(struct loop *loop, const char *state_dir,
				 const struct exec_sink *sink, struct err *err)
{
	struct fly *fly = mem_alloc(sizeof(*fly));

	fly->executor.ops = &ops;
	fly->loop = loop;
	fly->sink = *sink;
	fly->folder = -1;
	fly->sweep = loop_timer_create(loop, fly_on_sweep, fly);
	if (!fly_place_read(&fly->place, err) || !order_base_init(&fly->base, err) ||
	    !fly_records_open(fly, state_dir, err) ||
	    !(fly->calls = fly_calls_create(loop, &fly->place, on_notice, fly, err))) {
		destroy(&fly->executor);
		return NULL;
	}
	if (fly->place.authorization)
		loop_timer_start(fly->sweep, 0); /* after all open runs have been adopted */
	return &fly->executor;
}

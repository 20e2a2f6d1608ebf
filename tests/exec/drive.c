/*
 * drive.c - an executor on the real loop, told what to do by JSON lines.
 *
 *	exec-drive KIND STATE RUNNER [RUN.ATTEMPT…]
 *
 * Adopts the attempts named before the loop runs, as the daemon does. Then obeys:
 * One command a line on standard input, one answer a line on standard output; see
 * test_exec.py. Ends with its input.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "exec.h"
#include "mem.h"

struct drive {
	struct loop *loop;
	struct executor *executor;
	struct buf input;
};

static void say(struct buf *buf)
{
	buf_text(buf, "}\n");
	fwrite(buf->data, 1, buf->length, stdout);
	fflush(stdout);
	buf_finish(buf);
}

static const char *event_word(enum event_kind kind)
{
	switch (kind) {
	case EVENT_STARTED: return "started";
	case EVENT_START_FAILED: return "start_failed";
	case EVENT_EXITED: return "exited";
	case EVENT_LOST: return "lost";
	case EVENT_TICK:
	case EVENT_CONFIG:
	case EVENT_RECORDED:
	case EVENT_CLAIM_LOST:
	case EVENT_TRIGGER:
	case EVENT_CANCEL:
	case EVENT_PAUSE:
	case EVENT_RESUME:
	case EVENT_TAKEN_OVER:
	case EVENT_HANDED:
	case EVENT_DRAIN: break;
	}
	return "none of an executor's";
}

static void on_event(void *context, const struct event *event)
{
	const struct attempt_end *end = &event->end;
	struct buf buf = {0};

	(void)context;
	buf_json_open(&buf, NULL, '{');
	buf_json_text(&buf, "event", event_word(event->kind));
	buf_json_int(&buf, "run", (int64_t)event->run);
	buf_json_int(&buf, "attempt", event->attempt);
	buf_json_text(&buf, "message", event->kind == EVENT_EXITED ? end->message : event->message);
	if (event->kind == EVENT_EXITED) {
		buf_json_int(&buf, "exit_code", end->exit_code);
		buf_json_int(&buf, "signal", end->signal);
		buf_json_bool(&buf, "timed_out", end->timed_out);
		buf_json_int(&buf, "output_bytes", end->output_bytes);
		buf_json_int(&buf, "cpu_ms", end->cpu_ms);
		buf_json_int(&buf, "max_rss_kib", end->max_rss_kib);
		buf_json_bool(&buf, "has_result", end->has_result);
		buf_json_int(&buf, "processed", end->processed);
		buf_json_int(&buf, "failed", end->failed);
		buf_json_int(&buf, "took_ms", end->finished_at.ms - end->started_at.ms);
	}
	say(&buf);
}

static void on_output(void *context, const struct log_chunk *chunk)
{
	struct buf buf = {0}, hex = {0};

	(void)context;
	for (size_t i = 0; i < chunk->length; i++) {
		static const char digits[] = "0123456789abcdef";
		unsigned char c = (unsigned char)chunk->data[i];
		char two[2] = {digits[c >> 4], digits[c & 15]};

		buf_add(&hex, two, 2);
	}
	buf_json_open(&buf, NULL, '{');
	buf_json_text(&buf, "output", stream_word(chunk->stream));
	buf_json_int(&buf, "run", (int64_t)chunk->run);
	buf_json_int(&buf, "attempt", chunk->attempt);
	buf_json_int(&buf, "position", chunk->position);
	buf_json_text(&buf, "hex", buf_string(&hex));
	buf_finish(&hex);
	say(&buf);
}

static void on_notice(void *context, uint64_t run, const char *text)
{
	struct buf buf = {0};

	(void)context;
	buf_json_open(&buf, NULL, '{');
	buf_json_text(&buf, "notice", text);
	buf_json_int(&buf, "of", (int64_t)run);
	say(&buf);
}

/* ---- commands ---- */

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static int64_t number_of(const json_t *object, const char *key, int64_t otherwise)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static struct text_list list_of(const json_t *object, const char *key, struct arena *arena)
{
	const json_t *array = json_object_get(object, key);
	size_t count = json_array_size(array);
	const char **items = arena_array(arena, const char *, count + 1);

	for (size_t i = 0; i < count; i++)
		items[i] = json_string_value(json_array_get(array, i));
	return (struct text_list){items, count};
}

static void env_of(json_t *object, struct job *job, struct arena *arena)
{
	json_t *env = json_object_get(object, "env"), *value;
	struct env_var *vars = arena_array(arena, struct env_var, json_object_size(env) + 1);
	const char *name;

	json_object_foreach(env, name, value) vars[job->env_count++] =
		(struct env_var){.name = name, .value = json_string_value(value)};
	job->env = vars;
}

static void show_all(struct job *job)
{
	job->argv_shown = job->argv;
	job->env_file_shown = job->env_file;
	job->process.cwd_shown = job->process.cwd;
}

/* As if all of it had come from the environment. */
static void show_otherwise(struct job *job)
{
	static const char *const words[] = {"${PROGRAM}", NULL};

	job->argv_shown = (struct text_list){words, 1};
	job->env_file_shown = "${ENV_FILE}";
	job->process.cwd_shown = "${CWD}";
	for (size_t i = 0; i < job->env_count; i++)
		((struct env_var *)(uintptr_t)&job->env[i])->from_environment = true;
}

static struct job job_of(json_t *object, struct arena *arena)
{
	const json_t *limits = json_object_get(object, "limits");
	struct job job = {
		.name = text_of(object, "job") ? text_of(object, "job") : "test",
		.timeout_ms = number_of(object, "timeout_ms", 0),
		.grace_ms = number_of(object, "grace_ms", 1000),
		.argv = list_of(object, "argv", arena),
		.dry_run = list_of(object, "dry_run", arena),
		.env_file = text_of(object, "env_file"),
		.process = {
			.cwd = text_of(object, "cwd"),
			.user = text_of(object, "user"),
			.shell = text_of(object, "shell"),
			.umask = (int32_t)number_of(object, "umask", -1),
			.limits = {.open_files = number_of(limits, "open_files", -1),
				   .processes = number_of(limits, "processes", -1),
				   .file_size = number_of(limits, "file_size", -1),
				   .memory = number_of(limits, "memory", -1),
				   .cpu_s = number_of(limits, "cpu_s", -1),
				   .core = number_of(limits, "core", -1),
				   .cpus_milli = number_of(limits, "cpus_milli", -1)},
			.no_new_privs = json_is_true(json_object_get(object, "no_new_privs")),
		}};

	env_of(object, &job, arena);
	if (json_is_true(json_object_get(object, "is_shown_otherwise")))
		show_otherwise(&job);
	else
		show_all(&job);
	return job;
}

static struct run run_of(const json_t *object)
{
	return (struct run){.id = (uint64_t)number_of(object, "run", 1),
			    .attempt = (int32_t)number_of(object, "attempt", 1),
			    .scheduled_at = {number_of(object, "scheduled_ms", UTC_NONE.ms)},
			    .dry_run = json_is_true(json_object_get(object, "is_dry"))};
}

static void answer_check(struct drive *drive, const struct job *job)
{
	struct err err = {""};
	struct buf buf = {0};
	bool is_fine = drive->executor->ops->check(drive->executor, job, &err);

	buf_json_open(&buf, NULL, '{');
	buf_json_bool(&buf, "check", is_fine);
	buf_json_text(&buf, "message", err.text);
	say(&buf);
}

static void obey(struct drive *drive, json_t *object)
{
	const char *what = text_of(object, "do");
	const struct executor_ops *ops = drive->executor->ops;
	struct arena arena = {0};
	struct job job = job_of(object, &arena);
	struct run run = run_of(object);
	int64_t last = number_of(object, "last", (int64_t)run.id);

	if (what && strcmp(what, "start") == 0)
		for (; (int64_t)run.id <= last; run.id++)
			ops->start(drive->executor, &job, &run);
	else if (what && strcmp(what, "stop") == 0)
		ops->stop(drive->executor, run.id, number_of(object, "grace_ms", 1000));
	else if (what && strcmp(what, "forget") == 0)
		ops->forget(drive->executor, run.id);
	else if (what && strcmp(what, "check") == 0)
		answer_check(drive, &job);
	else
		fprintf(stderr, "exec-drive: no such command\n");
	arena_finish(&arena);
}

static void obey_lines(struct drive *drive)
{
	char *newline;

	while (drive->input.length &&
	       (newline = memchr(drive->input.data, '\n', drive->input.length))) {
		size_t length = (size_t)(newline - drive->input.data);
		json_t *object = json_loadb(drive->input.data, length, 0, NULL);

		buf_drop_front(&drive->input, length + 1);
		if (object)
			obey(drive, object);
		else
			fprintf(stderr, "exec-drive: not JSON\n");
		json_decref(object);
	}
}

static void on_input(void *context, unsigned ready)
{
	struct drive *drive = context;
	char data[65536];
	ssize_t n = read(0, data, sizeof(data));

	(void)ready;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		loop_stop(drive->loop);
		return;
	}
	buf_add(&drive->input, data, (size_t)n);
	obey_lines(drive);
}

static void on_child(void *context, int number)
{
	(void)context;
	(void)number;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
}

static int run_drive(struct drive *drive)
{
	struct err err = {""};
	struct loop_signal *children = loop_signal_create(drive->loop, SIGCHLD, on_child, drive);
	struct loop_fd *input = loop_fd_create(drive->loop, 0, LOOP_READ, on_input, drive, &err);

	if (input)
		loop_run(drive->loop);
	else
		fprintf(stderr, "exec-drive: %s\n", err.text);
	drive->executor->ops->destroy(drive->executor);
	loop_fd_destroy(input);
	loop_signal_destroy(children);
	buf_finish(&drive->input);
	return input ? 0 : 1;
}

static void adopt(struct drive *drive, const char *text)
{
	char *end;
	struct run run = {.id = strtoull(text, &end, 10), .scheduled_at = UTC_NONE};

	run.attempt = *end == '.' ? atoi(end + 1) : 1;
	drive->executor->ops->adopt(drive->executor, &run);
}

int main(int argc, char **argv)
{
	struct drive drive = {0};
	struct exec_sink sink = {
		.event = on_event, .output = on_output, .notice = on_notice, .context = &drive};
	struct buf buf = {0};
	struct err err = {""};
	enum executor_kind kind;

	if (argc < 4 || !executor_kind_from_word(argv[1], &kind))
		return 2;
	signal(SIGPIPE, SIG_IGN);
	drive.loop = loop_create(&err);
	if (!drive.loop)
		return 1;
	drive.executor = kind == EXECUTOR_PROCESS
				 ? exec_process_create(drive.loop, argv[2], argv[3], &sink, &err)
				 : exec_absent_create(kind, &sink);
	buf_json_open(&buf, NULL, '{');
	buf_json_bool(&buf, "ready", drive.executor != NULL);
	buf_json_text(&buf, "message", err.text);
	say(&buf);
	for (int i = 4; drive.executor && i < argc; i++)
		adopt(&drive, argv[i]);
	int code = drive.executor ? run_drive(&drive) : 1;
	loop_destroy(drive.loop);
	return code;
}

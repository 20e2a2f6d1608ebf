/*
 * exec_loop.c - spawn_loop.c's work done by the process executor and its runner: each
 * run recorded in its spool before it starts, read back, forgotten. No store.
 *
 *	exec-loop COUNT PARALLEL STATE RUNNER PROGRAM [ARG…]
 *
 * Prints the seconds it took.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "exec.h"

struct bench {
	struct loop *loop;
	struct executor *executor;
	struct job job;
	int count, begun, ended;
	uint64_t *over; /* runs that ended in this round */
	int over_count;
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void start_one(struct bench *bench)
{
	struct run run = {.id = (uint64_t)++bench->begun, .attempt = 1, .scheduled_at = UTC_NONE};

	bench->executor->ops->start(bench->executor, &bench->job, &run);
}

static void on_event(void *context, const struct event *event)
{
	struct bench *bench = context;

	if (event->kind == EVENT_STARTED)
		return;
	if (event->kind != EVENT_EXITED || event->end.exit_code != 0) {
		fprintf(stderr, "exec-loop: a run failed: %s\n",
			event->message ? event->message : "not 0");
		exit(1);
	}
	bench->over[bench->over_count++] = event->run;
}

static void on_turn(void *context)
{
	struct bench *bench = context;

	for (int i = 0; i < bench->over_count; i++) {
		bench->executor->ops->forget(bench->executor, bench->over[i]);
		if (bench->begun < bench->count)
			start_one(bench);
	}
	bench->ended += bench->over_count;
	bench->over_count = 0;
	if (bench->ended == bench->count)
		loop_stop(bench->loop);
}

static void on_output(void *context, const struct log_chunk *chunk)
{
	(void)context;
	(void)chunk;
}

int main(int argc, char **argv)
{
	struct bench bench = {0};
	struct exec_sink sink = {.event = on_event, .output = on_output, .context = &bench};
	struct err err;

	if (argc < 6)
		return 2;
	bench.count = atoi(argv[1]);
	bench.job = (struct job){
		.name = "bench",
		.argv = {.items = (const char *const *)argv + 5, .count = (size_t)argc - 5},
		.process = {.umask = -1, .limits = {-1, -1, -1, -1, -1, -1}}};
	bench.over = calloc((size_t)bench.count + 1, sizeof(*bench.over));
	bench.loop = bench.over ? loop_create(&err) : NULL;
	if (bench.loop)
		bench.executor = exec_process_create(bench.loop, argv[3], argv[4], &sink, &err);
	if (!bench.executor) {
		fprintf(stderr, "exec-loop: %s\n", err.text);
		return 1;
	}
	loop_on_turn(bench.loop, on_turn, &bench);
	double start = now_s();
	for (int i = 0; i < atoi(argv[2]) && bench.begun < bench.count; i++)
		start_one(&bench);
	loop_run(bench.loop);
	printf("%.6f\n", now_s() - start);
	bench.executor->ops->destroy(bench.executor);
	loop_destroy(bench.loop);
	free(bench.over);
	return 0;
}

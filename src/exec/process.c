/*
 * process.c - the executor of local processes, over belfry-runner.
 *
 * The runner starts and holds; its spools tell. Where the runner has gone, another
 * one is started, and what each spool then says is the whole truth about its run:
 * ended, never begun, or lost. Runners of other versions are followed until what they
 * hold has ended (elder.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "process.h"

enum {
	BUDGET = 4 << 20,  /* bytes of spools read before others have their turn */
	AGAIN_MS = 1000,   /* between two looks for a runner */
	FULL_MS = 200,     /* until the sink is asked again whether it has room */
	FAILURES_MAX = 10, /* then nobody will tell how its runs ended */
	BURY_AGAIN_MS = 50,
};

static const char died_at_work[] = "belfry-runner died while it ran; nobody saw how it ended";
static const char died_before[] = "belfry-runner died before it started it";
static const char nobody_to_ask[] = "no belfry-runner can be had; nobody knows how it ended";
static const char rebooted[] = "the machine was started anew; nobody can tell whether it had begun";

static struct process *process_of(struct executor *executor)
{
	return (struct process *)executor;
}

/* ---- reading what is ready ---- */

/* Nothing more will come. That it never started is certain only once a new runner has
 * the lock: until then a process of the last one may still be on its way. */
static void close_orphan(struct process *process, struct ward *ward)
{
	if (process->link.fd < 0 && process->failures < FAILURES_MAX)
		return; /* it is asked about again */
	if (process->link.fd < 0)
		ward_lost(process, ward, nobody_to_ask);
	else if (!ward->is_buried)
		return; /* it is being asked about */
	else if (ward->was_held)
		ward_lost(process, ward, died_at_work);
	else if (ward->is_adopted && process->is_new_boot)
		ward_lost(process, ward, rebooted);
	else
		ward_held_up(process, ward, died_before);
}

static void pump(void *context)
{
	struct process *process = context;
	size_t budget = BUDGET;
	struct ward *ward;

	if (process->sink.is_full && process->sink.is_full(process->sink.context)) {
		loop_timer_start(process->pump, FULL_MS);
		return;
	}
	while (budget > 0 && (ward = ward_next_ready(process))) {
		if (spool_read(process, ward, &budget))
			ward_ready(process, ward);
		else if (ward->is_orphan && !ward->is_over)
			close_orphan(process, ward);
	}
	elder_release(process);
	if (process->first_ready)
		loop_timer_start(process->pump, 0);
}

static void pump_soon(struct process *process, struct ward *ward)
{
	ward_ready(process, ward);
	loop_timer_start(process->pump, 0);
}

/* ---- what the runner says ---- */

/* Held by nobody, as far as can be told: whoever may have left something of it is dead,
 * and our runner is asked to see to that. */
static void settle(struct process *process, struct ward *ward)
{
	if (ward->is_over || ward->link || process->link.fd < 0 || !elder_all_known(process))
		return;
	ward->is_orphan = true;
	if (!ward->is_buried)
		runner_link_send(&process->link, &(struct message){.kind = MESSAGE_BURY,
								   .run = ward->run,
								   .attempt = ward->attempt});
	pump_soon(process, ward);
}

static void on_holds(struct process *process, struct runner_link *link,
		     const struct message *message)
{
	struct ward *ward = ward_find(process, message->run);

	holding_note(process, link, message->run, message->attempt);
	if (!ward || ward->attempt != message->attempt || ward->is_over)
		return;
	ward->link = link;
	ward->is_orphan = false;
	pump_soon(process, ward);
}

static void on_buried(struct process *process, struct ward *ward, const struct message *message)
{
	if (ward->link || ward->is_over)
		return;
	ward->is_buried = message->number != 0;
	if (ward->is_buried)
		pump_soon(process, ward);
	else
		loop_timer_start(process->again, BURY_AGAIN_MS);
}

static void refused(struct process *process, struct ward *ward, const struct message *message)
{
	const char *why = message->text ? message->text : "refused";

	if (message->number == REFUSED_FOR_NOW)
		ward_held_up(process, ward, why);
	else
		ward_start_failed(process, ward, why);
}

static void on_message(void *context, struct runner_link *link, const struct message *message)
{
	struct process *process = context;
	struct ward *ward = ward_find(process, message->run);
	bool is_ours = ward && ward->attempt == message->attempt;

	switch (message->kind) {
	case MESSAGE_HOLDS: on_holds(process, link, message); break;
	case MESSAGE_HELLO: /* an elder's: that of our own runner is waited for */
		elder_greeted(process, link, message);
		loop_timer_start(process->again, 0);
		break;
	case MESSAGE_NEWS:
		if (is_ours && ward->link == link)
			pump_soon(process, ward);
		break;
	case MESSAGE_REFUSED:
		if (is_ours && ward->link == link)
			refused(process, ward, message);
		break;
	case MESSAGE_BURIED:
		if (is_ours)
			on_buried(process, ward, message);
		break;
	case MESSAGE_NOTICE: ward_notice(process, 0, message->text ? message->text : ""); break;
	case MESSAGE_START:
	case MESSAGE_STOP:
	case MESSAGE_BURY:
	case MESSAGE_QUIT: break; /* not for us to hear */
	}
}

/* ---- finding a runner ---- */

static void give_up(struct process *process, struct ward *ward)
{
	if (ward->is_over || ward->link)
		return;
	ward->is_orphan = true;
	pump_soon(process, ward);
}

/* Nothing could be sent: it certainly did not start. */
static void fail_unsent(struct process *process, struct ward *ward)
{
	if (!ward->is_over && runner_link_has_unsent(&process->link, ward->run))
		ward_held_up(process, ward, "no belfry-runner could be started");
}

static bool find_runner(struct process *process, struct err *err)
{
	holding_drop(process, &process->link);
	if (!runner_link_open(&process->link, err)) {
		holding_drop(process, &process->link);
		return false;
	}
	process->failures = 0;
	return true;
}

/* No runner of ours can be had, now. */
static void do_without(struct process *process)
{
	ward_each(process, fail_unsent);
	runner_link_finish(&process->link);
	if (++process->failures == FAILURES_MAX)
		ward_each(process, give_up);
	loop_timer_start(process->again, AGAIN_MS);
}

static void on_again(void *context)
{
	struct process *process = context;
	struct err err;

	if (process->link.fd < 0 && !find_runner(process, &err)) {
		do_without(process);
		return;
	}
	elder_release(process);
	elder_find(process);
	ward_each(process, settle);
	if (process->is_elder_missing)
		loop_timer_start(process->again, AGAIN_MS);
}

/* What was not sent yet goes to the next one. */
static void let_go(struct process *process, struct ward *ward)
{
	if (ward->link && ward->link->fd < 0 && !runner_link_has_unsent(&process->link, ward->run))
		ward->link = NULL;
}

static void on_lost(void *context, struct runner_link *link)
{
	struct process *process = context;

	holding_drop(process, link);
	ward_each(process, let_go);
	loop_timer_start(process->again, process->failures ? AGAIN_MS : 0);
}

/* ---- the operations ---- */

static bool hides_path(const struct job *job)
{
	for (size_t i = 0; i < job->env_count; i++)
		if (job->env[i].from_environment && strcmp(job->env[i].name, "PATH") == 0)
			return true;
	return false;
}

static bool check(struct executor *executor, const struct job *job, struct err *err)
{
	struct process *process = process_of(executor);
	struct arena arena = {0};
	struct start_order order;
	struct run run = {.id = 1, .attempt = 1, .scheduled_at = UTC_NONE};
	bool is_fine = order_make(&process->base, job, &run, &arena, &order, err) &&
		       check_order(&order, hides_path(job), err);

	arena_finish(&arena);
	return is_fine;
}

static void adopt(struct executor *executor, const struct run *run)
{
	struct process *process = process_of(executor);
	struct ward *ward = ward_renew(process, run->id, run->attempt);

	ward->is_adopted = true;
	ward->link = holding_find(process, run->id, run->attempt);
	pump_soon(process, ward);
	settle(process, ward);
}

static void send_start(struct process *process, struct ward *ward, const struct start_order *order)
{
	struct message message = {
		.kind = MESSAGE_START, .run = ward->run, .attempt = ward->attempt, .order = *order};
	char text[160];

	ward->link = &process->link;
	if (runner_link_send(&process->link, &message))
		return;
	snprintf(text, sizeof(text),
		 "its command and environment are longer than %d KiB together; put long values "
		 "into a file",
		 MESSAGE_MAX / 1024);
	ward_start_failed(process, ward, text);
}

static void start(struct executor *executor, const struct job *job, const struct run *run)
{
	struct process *process = process_of(executor);
	struct ward *ward = ward_find(process, run->id);
	struct arena arena = {0};
	struct start_order order;
	struct err err;

	/* It was answered that this attempt never started: whatever is left of it is void. */
	bool is_void = ward && ward->is_over && ward->attempt == run->attempt;

	if (is_void)
		spool_remove(process, run->id, run->attempt);
	/* An earlier belfry had come further than its store: the attempt is under way. */
	if (ward && ward->is_adopted && !is_void && spool_exists(process, run->id, run->attempt)) {
		adopt(executor, run);
		return;
	}
	ward = ward_renew(process, run->id, run->attempt);
	if (order_make(&process->base, job, run, &arena, &order, &err))
		send_start(process, ward, &order);
	else
		ward_start_failed(process, ward, err.text);
	arena_finish(&arena);
}

static void stop(struct executor *executor, uint64_t run, int64_t grace_ms)
{
	struct process *process = process_of(executor);
	const struct ward *ward = ward_find(process, run);

	if (ward && ward->link)
		runner_link_send(
			ward->link,
			&(struct message){.kind = MESSAGE_STOP, .run = run, .number = grace_ms});
}

static void forget(struct executor *executor, uint64_t run)
{
	struct process *process = process_of(executor);
	const struct ward *ward = ward_find(process, run);

	spool_remove(process, run, ward ? ward->attempt : 1);
	ward_remove(process, run);
}

static void destroy(struct executor *executor)
{
	struct process *process = process_of(executor);

	runner_link_send(&process->link, &(struct message){.kind = MESSAGE_QUIT});
	runner_link_finish(&process->link);
	elder_finish_all(process);
	ward_finish_all(process);
	loop_timer_destroy(process->pump);
	loop_timer_destroy(process->sweep);
	loop_timer_destroy(process->again);
	if (process->spools >= 0)
		close(process->spools);
	if (process->link.state >= 0)
		close(process->link.state);
	order_base_finish(&process->base);
	buf_finish(&process->text);
	free(process->holdings);
	free(process->state_path);
	free(process->program);
	free(process);
}

static const struct executor_ops ops = {.check = check,
					.start = start,
					.adopt = adopt,
					.stop = stop,
					.forget = forget,
					.destroy = destroy};

/* ---- beginning ---- */

/* When all open runs have been adopted, and all runners have said what they hold. */
static void on_sweep(void *context)
{
	struct process *process = context;

	if (elder_all_known(process))
		spool_sweep(process);
	else
		loop_timer_start(process->sweep, AGAIN_MS);
}

static bool open_folders(struct process *process, const char *state, struct err *err)
{
	process->link.state = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (process->link.state < 0)
		return err_errno(err, errno, "cannot open the state directory %s", state);
	if (mkdirat(process->link.state, RUNNER_SPOOL, 0700) != 0 && errno != EEXIST)
		return err_errno(err, errno, "cannot make %s/%s", state, RUNNER_SPOOL);
	process->spools =
		openat(process->link.state, RUNNER_SPOOL, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (process->spools < 0)
		return err_errno(err, errno, "cannot open %s/%s", state, RUNNER_SPOOL);
	return true;
}

static bool begin(struct process *process, const char *state, struct err *err)
{
	if (!open_folders(process, state, err) || !order_base_init(&process->base, err))
		return false;
	process->is_new_boot = boot_id_changed(process->link.state);
	if (!find_runner(process, err))
		return false;
	elder_find(process);
	return true;
}

struct executor *exec_process_create(struct loop *loop, const char *state_dir,
				     const char *runner_path, const struct exec_sink *sink,
				     struct err *err)
{
	struct process *process = mem_alloc(sizeof(*process));

	process->executor.ops = &ops;
	process->sink = *sink;
	process->spools = -1;
	process->state_path = mem_copy_text(state_dir);
	process->program = mem_copy_text(runner_path);
	process->link = (struct runner_link){.loop = loop,
					     .state_path = process->state_path,
					     .program = process->program,
					     .state = -1,
					     .fd = -1,
					     .message = on_message,
					     .lost = on_lost,
					     .context = process};
	process->pump = loop_timer_create(loop, pump, process);
	process->sweep = loop_timer_create(loop, on_sweep, process);
	process->again = loop_timer_create(loop, on_again, process);
	if (!begin(process, state_dir, err)) {
		destroy(&process->executor);
		return NULL;
	}
	loop_timer_start(process->sweep, 0);
	return &process->executor;
}

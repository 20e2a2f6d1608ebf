/*
 * held.c - the life of a run in the runner: order, gate, output, end.
 *
 * The spool is the record. The process is in it before it is let go, and the run
 * is over here only when its last frame is on disk.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner.h"

enum {
	READ_SIZE = 64 * 1024,
	NEWS_EVERY_MS = 100, /* output is told of in groups */
	STARTED_MS = 10,
	DRAIN_MS = 2000, /* for output after the process has ended */
	RETRY_MS = 1000, /* a full disk */
	SWEEP_MS = 5000, /* for killed processes to go */
	SWEEP_EVERY_MS = 10,
};

static const int64_t never = INT64_MAX;

static int64_t in(const struct runner *runner, int64_t ms)
{
	const int64_t longest = INT64_C(100) * 366 * 86400000;

	return runner->now.mono.ms + (ms < longest ? ms : longest);
}

/* ---- the spool ---- */

/* Whole or not at all: what a full disk cut off is taken back. */
static bool spool_append(struct held *held, const struct iovec *parts, int count)
{
	size_t length = 0;

	for (int i = 0; i < count; i++)
		length += parts[i].iov_len;
	ssize_t n = pwritev(held->spool, parts, count, held->spool_length);
	if (n == (ssize_t)length) {
		held->spool_length += n;
		return true;
	}
	if (n >= 0)
		errno = ENOSPC;
	if (n > 0 && ftruncate(held->spool, held->spool_length) != 0)
		errno = EIO; /* the reader stops at the broken frame; a retry overwrites it */
	return false;
}

static bool spool_frame(struct held *held, const struct spool_frame *frame)
{
	struct buf buf = {0};

	spool_write(&buf, frame);
	bool is_done = spool_append(held, &(struct iovec){buf.data, buf.length}, 1);
	buf_finish(&buf);
	return is_done;
}

static void tell_soon(struct runner *runner, struct held *held, int64_t ms)
{
	if (held->news_at > in(runner, ms))
		held->news_at = in(runner, ms);
}

/* ---- beginning ---- */

/* What the machine is short of now, it may have again in a moment. */
static bool is_passing(int number)
{
	return number == EAGAIN || number == ENOMEM || number == EMFILE || number == ENFILE ||
	       number == ENOBUFS;
}

static void refuse(struct runner *runner, const struct held *held, bool may_pass, const char *why)
{
	link_say(runner, &(struct message){.kind = MESSAGE_REFUSED,
					   .run = held->run,
					   .attempt = held->attempt,
					   .number = may_pass ? REFUSED_FOR_NOW : REFUSED_FOR_GOOD,
					   .text = why});
}

static void set_tag(struct held *held, const struct start_order *order)
{
	static const char name[] = "BELFRY_RUN_ID=";

	for (const char *const *item = order->env; *item; item++)
		if (strncmp(*item, name, sizeof(name) - 1) == 0 &&
		    strlen(*item) < sizeof(held->tag))
			strcpy(held->tag, *item);
}

static struct held *make(uint64_t run, int32_t attempt, const struct start_order *order)
{
	struct held *held = mem_alloc(sizeof(*held));

	held->spool = -1;
	held->run = run;
	held->attempt = attempt;
	held->gate = (struct source){.kind = SOURCE_GATE, .fd = -1, .held = held};
	for (int i = 0; i < 2; i++)
		held->output[i] = (struct source){.kind = SOURCE_OUTPUT,
						  .fd = -1,
						  .held = held,
						  .stream = i ? SPOOL_STDERR : SPOOL_STDOUT};
	held->kept.max = order->output_max;
	held->timeout_ms = order->timeout_ms;
	held->grace_ms = order->grace_ms;
	held->timeout_at = held->kill_at = held->cut_at = held->sweep_until = never;
	held->news_at = held->retry_at = held->leave_until = never;
	set_tag(held, order);
	return held;
}

static void destroy(struct runner *runner, struct held *held)
{
	runner_unwatch(runner, &held->gate);
	runner_unwatch(runner, &held->output[0]);
	runner_unwatch(runner, &held->output[1]);
	output_finish(&held->kept);
	buf_finish(&held->ending);
	if (held->spool >= 0)
		close(held->spool);
	free(held);
}

/* The spool must not be there yet: an attempt is started once. */
static bool open_spool(struct runner *runner, struct held *held, struct err *err)
{
	char name[SPOOL_NAME_MAX];

	spool_name(held->run, held->attempt, name);
	held->spool = openat(runner->spools, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (held->spool < 0) {
		int number = errno;

		err_errno(err, number, "cannot make the spool %s", name);
		errno = number; /* tells whether it may pass */
		return false;
	}
	/* For as long as we live: nobody else takes the run for a dead runner's. */
	while (flock(held->spool, LOCK_EX) != 0) {
		if (errno == EINTR)
			continue;
		err_errno(err, errno, "cannot lock the spool %s", name);
		unlinkat(runner->spools, name, 0);
		return false;
	}
	return true;
}

static bool let_go(struct runner *runner, struct held *held, struct err *err)
{
	struct spool_frame frame = {.kind = SPOOL_HELD,
				    .at = runner->now.utc,
				    .pid = (uint32_t)held->pid,
				    .start_ticks = family_ticks(runner_mono()),
				    .cgroup = cgroup_name(held->cgroup)};

	frame.cgroup_length = strlen(frame.cgroup);

	if (!spool_frame(held, &frame))
		return err_errno(err, errno, "cannot write the spool");
	if (!runner_watch(runner, &held->gate, EPOLLIN) ||
	    !runner_watch(runner, &held->output[0], EPOLLIN) ||
	    !runner_watch(runner, &held->output[1], EPOLLIN))
		return err_errno(err, errno, "cannot watch the process");
	/* One that was killed at the gate is not there to be let go; its end tells. */
	if (send(held->gate.fd, "", 1, MSG_NOSIGNAL) != 1 && errno != EPIPE)
		return err_errno(err, errno, "cannot let the process go");
	return true;
}

/* Limits that nothing here can hold a job to. */
static void tell_unlimited(const struct runner *runner, struct held *held,
			   const struct start_order *order, unsigned by_group)
{
	bool is_root = order->has_user ? order->uid == 0 : geteuid() == 0;
	char text[200] = "";

	if (order->limits[LIMIT_CPUS] >= 0 && !(by_group & 1u << LIMIT_CPUS))
		strcat(text, " limits.cpus");
	if (order->limits[LIMIT_PROCESSES] >= 0 && !(by_group & 1u << LIMIT_PROCESSES) && is_root)
		strcat(text,
		       *text ? " and limits.processes (of root)" : " limits.processes (of root)");
	if (!*text)
		return;
	strcat(text, " cannot be kept: there is no control group (v2) to be had that could");
	spool_frame(held, &(struct spool_frame){.kind = SPOOL_NOTE,
						.at = runner->now.utc,
						.data = text + 1,
						.length = strlen(text + 1)});
}

void held_start(struct runner *runner, uint64_t run, int32_t attempt,
		const struct start_order *order)
{
	struct held *held = make(run, attempt, order);
	struct err err;
	char name[SPOOL_NAME_MAX];

	if (runner->is_ending) {
		refuse(runner, held, true, "belfry-runner was told to end");
		destroy(runner, held);
		return;
	}
	if (!open_spool(runner, held, &err)) {
		refuse(runner, held, is_passing(errno), err.text);
		destroy(runner, held);
		return;
	}
	reserve_fill();
	cgroup_take(held->cgroup, sizeof(held->cgroup));
	unsigned by_group = cgroup_limit(held->cgroup, order);
	held->is_cgroup_used_up = by_group != 0; /* its limits are not another run's */
	int outputs[2] = {-1, -1};
	held->pid = child_fork(order, held->cgroup, by_group, &held->gate.fd, outputs, &err);
	held->output[0].fd = outputs[0];
	held->output[1].fd = outputs[1];
	if (held->pid < 0 || !let_go(runner, held, &err)) {
		int number = errno;

		/* Closing the gate ends the child; belfry hears why. Without a spool the
		 * answer to a later question is the same: it never started. */
		unlinkat(runner->spools, spool_name(run, attempt, name), 0);
		refuse(runner, held, is_passing(number), err.text);
		cgroup_destroy(held->cgroup); /* or, once the child has left it, at the next boot */
		destroy(runner, held);
		return;
	}
	tell_unlimited(runner, held, order, *held->cgroup ? by_group : 0);
	if (held->timeout_ms > 0)
		held->timeout_at = in(runner, held->timeout_ms);
	held->next = runner->held;
	runner->held = held;
	runner->living++;
}

/* An end of file: the program runs. A reset: it was ended before it was let go. Else
 * the child says why it could not. */
void held_gate_ready(struct runner *runner, struct held *held)
{
	static const char killed[] = "the process was ended before it ran the program";
	char text[1024];
	ssize_t n = recv(held->gate.fd, text, sizeof(text), 0);
	struct spool_frame frame = {.kind = SPOOL_STARTED, .at = runner->now.utc};

	if (n < 0 && errno != ECONNRESET)
		return; /* nothing is known yet */
	runner_unwatch(runner, &held->gate);
	if (n != 0) {
		held->has_failed = true;
		frame.kind = SPOOL_FAILED;
		frame.data = n > 0 ? text : killed;
		frame.length = n > 0 ? (size_t)n : sizeof(killed) - 1;
	}
	/* A failure that does not fit on the disk now is told with the end. */
	if (!spool_frame(held, &frame) && held->has_failed)
		spool_write(&held->ending, &frame);
	/* Most jobs are short: often their end can be told along with it. */
	tell_soon(runner, held, held->has_failed ? 0 : STARTED_MS);
}

/* ---- output ---- */

static void take(struct runner *runner, struct held *held, enum spool_kind stream, const char *data,
		 size_t length)
{
	struct spool_frame frame = {
		.kind = stream, .at = runner->now.utc, .data = data, .length = length};

	if (!output_takes(&held->kept, length)) {
		output_keep(&held->kept, runner->spools, stream, frame.at, data, length);
		return;
	}
	if (!spool_frame(held, &frame)) { /* the disk is full: better a gap than a halt */
		held->kept.head -= length;
		held->kept.lost += length;
		held->is_short = true;
	}
	tell_soon(runner, held, NEWS_EVERY_MS);
}

void held_output_ready(struct runner *runner, struct source *source)
{
	static char data[READ_SIZE];
	ssize_t n = read(source->fd, data, sizeof(data));

	if (n > 0)
		take(runner, source->held, source->stream, data, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		runner_unwatch(runner, source);
}

/* ---- the end ---- */

static struct held *find_pid(struct runner *runner, pid_t pid)
{
	struct held *held = runner->held;

	while (held && (held->pid != pid || held->is_reaped))
		held = held->next;
	return held;
}

void held_reap(struct runner *runner)
{
	struct rusage usage;
	int status;
	pid_t pid;

	/* Orphans of jobs come to us as well, and are nobody's. */
	while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0 || (pid < 0 && errno == EINTR)) {
		struct held *held = pid > 0 ? find_pid(runner, pid) : NULL;

		if (!held)
			continue;
		held->is_reaped = true;
		runner->living--;
		held->status = status;
		held->usage = usage;
		held->timeout_at = held->kill_at = never;
		held->cut_at = in(runner, DRAIN_MS);
		if (held->gate.fd >= 0)
			held_gate_ready(runner, held);
	}
}

void held_stop(struct runner *runner, uint64_t run, int64_t grace_ms)
{
	for (struct held *held = runner->held; held; held = held->next) {
		if (held->run != run || held->is_reaped)
			continue;
		family_signal(held, SIGTERM);
		family_signal(held, SIGCONT); /* one that is stopped could not hear it */
		if (held->kill_at > in(runner, grace_ms))
			held->kill_at = in(runner, grace_ms);
	}
}

static int64_t cpu_ms(const struct rusage *usage)
{
	return (int64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000 +
	       (usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1000;
}

static void write_exit(struct runner *runner, struct held *held)
{
	bool is_signaled = WIFSIGNALED(held->status);
	struct spool_frame frame = {.kind = SPOOL_EXIT, .at = runner->now.utc};
	bool is_short = cgroup_ran_out_of_memory(held->cgroup);

	held->is_cgroup_used_up |= is_short;
	frame.exit = (struct spool_exit){
		.exit_code = is_signaled ? -1 : WEXITSTATUS(held->status),
		.signal = is_signaled ? WTERMSIG(held->status) : 0,
		.timed_out = held->timed_out,
		.out_of_memory = is_short,
		.output_bytes = held->kept.total,
		.cpu_ms = cpu_ms(&held->usage),
		.max_rss_kib = held->usage.ru_maxrss,
	};
	spool_write(&held->ending, &frame);
}

static void add_note(const struct runner *runner, struct buf *buf, const char *text)
{
	spool_write(buf, &(struct spool_frame){.kind = SPOOL_NOTE,
					       .at = runner->now.utc,
					       .data = text,
					       .length = strlen(text)});
}

static bool is_over(const struct runner *runner, const struct held *held)
{
	return held->is_reaped && (held->cut_at <= runner->now.mono.ms ||
				   (held->output[0].fd < 0 && held->output[1].fd < 0));
}

/* The process is gone and its output read, or given up: whatever else is left of the
 * job goes too. False while it still does. */
static bool sweep(struct runner *runner, struct held *held)
{
	if (held->sweep_until == never) {
		held->is_cut = held->output[0].fd >= 0 || held->output[1].fd >= 0;
		held->sweep_until = in(runner, SWEEP_MS);
		runner_unwatch(runner, &held->output[0]);
		runner_unwatch(runner, &held->output[1]);
	}
	return !family_end(runner, held) || held->sweep_until <= runner->now.mono.ms;
}

static const char no_room[] = "the disk was full or failing; not all of its output could be kept";

static void compose_ending(struct runner *runner, struct held *held)
{
	held->untold = output_untold(&held->kept);
	held->ending_from = held->spool_length;
	if (held->is_short)
		add_note(runner, &held->ending, no_room);
	if (held->is_cut)
		add_note(runner, &held->ending,
			 "a process of the job kept its output open after it had ended; it was "
			 "ended too");
	if (held->sweep_until <= runner->now.mono.ms)
		add_note(runner, &held->ending,
			 "some processes of the job do not go, even when killed");
	if (!held->has_failed)
		write_exit(runner, held);
	held->retry_at = runner->now.mono.ms;
}

static bool pour(void *context, const char *data, size_t length)
{
	struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = length};

	return spool_append(context, &part, 1);
}

static bool append_ending(const struct runner *runner, struct held *held)
{
	return output_pour(&held->kept, runner->now.utc, pour, held) &&
	       (held->ending.length == 0 ||
		spool_append(held, &(struct iovec){held->ending.data, held->ending.length}, 1));
}

/* That so much output is missing, in place of the output, of which a piece may have been
 * poured. */
static void drop_tail(struct runner *runner, struct held *held)
{
	struct buf ending = {0};

	if (held->spool_length > held->ending_from &&
	    ftruncate(held->spool, held->ending_from) == 0)
		held->spool_length = held->ending_from;
	output_drop(&held->kept);
	spool_write(&ending, &(struct spool_frame){.kind = SPOOL_GAP,
						   .at = runner->now.utc,
						   .bytes = held->untold});
	if (!held->is_short)
		add_note(runner, &ending, no_room);
	buf_add(&ending, held->ending.data, held->ending.length);
	buf_finish(&held->ending);
	held->ending = ending;
	held->untold = 0;
}

/* Better how it ended without its last output than not at all. */
static bool write_ending(struct runner *runner, struct held *held)
{
	if (append_ending(runner, held))
		return true;
	if (errno != ENOSPC && errno != EDQUOT && errno != EFBIG)
		return false;
	if (held->untold > 0)
		drop_tail(runner, held);
	return append_ending(runner, held) || (reserve_give() && append_ending(runner, held));
}

static void finish(struct runner *runner, struct held *held)
{
	if (held->retry_at == never) {
		if (!sweep(runner, held))
			return;
		compose_ending(runner, held);
	}
	if (held->retry_at > runner->now.mono.ms)
		return;
	if (write_ending(runner, held)) {
		held->is_ended = true;
		held->leave_until = in(runner, SWEEP_MS);
		tell_soon(runner, held, 0);
	} else {
		held->retry_at = in(runner, RETRY_MS);
	}
}

/* ---- time ---- */

static void enforce(struct runner *runner, struct held *held)
{
	int64_t now = runner->now.mono.ms;

	if (held->timeout_at <= now) {
		held->timed_out = true;
		held->timeout_at = never;
		held_stop(runner, held->run, held->grace_ms);
	}
	if (held->kill_at <= now) {
		held->kill_at = never;
		family_kill(held);
	}
	if (is_over(runner, held) && !held->is_ended)
		finish(runner, held);
	if (held->news_at <= now && !runner->has_deaf_link &&
	    link_send(runner, &(struct message){.kind = MESSAGE_NEWS,
						.run = held->run,
						.attempt = held->attempt}))
		held->news_at = never;
}

static bool is_cgroup_left(const struct runner *runner, const struct held *held)
{
	if (held->is_cgroup_used_up)
		return cgroup_destroy(held->cgroup) || held->leave_until <= runner->now.mono.ms;
	cgroup_keep(held->cgroup);
	return true;
}

static bool may_go(const struct runner *runner, const struct held *held)
{
	return held->is_ended && held->news_at == never && is_cgroup_left(runner, held);
}

static int64_t earliest(const struct runner *runner, const struct held *held)
{
	int64_t at = held->timeout_at < held->kill_at ? held->timeout_at : held->kill_at;

	if (held->is_reaped && !held->is_ended) {
		int64_t next = held->retry_at != never      ? held->retry_at
			       : held->sweep_until != never ? in(runner, SWEEP_EVERY_MS)
							    : held->cut_at;

		at = next < at ? next : at;
	}
	if (!runner->has_deaf_link && held->news_at < at)
		at = held->news_at;
	if (held->is_ended && held->news_at == never) /* its cgroup is not empty yet */
		at = in(runner, 20);
	return at;
}

int64_t held_tick(struct runner *runner)
{
	int64_t next = never;

	for (struct held **at = &runner->held; *at;) {
		struct held *held = *at;

		enforce(runner, held);
		if (may_go(runner, held)) {
			*at = held->next;
			destroy(runner, held);
			continue;
		}
		if (earliest(runner, held) < next)
			next = earliest(runner, held);
		at = &held->next;
	}
	return next;
}

/* ward_answer.c - what the engine is told of a ward; see process.h. */
#include "process.h"

static struct event about(const struct ward *ward, enum event_kind kind)
{
	return (struct event){.kind = kind, .run = ward->run, .attempt = ward->attempt};
}

static void tell(struct process *process, const struct event *event)
{
	process->sink.event(process->sink.context, event);
}

void ward_notice(const struct process *process, uint64_t run, const char *text)
{
	if (process->sink.notice)
		process->sink.notice(process->sink.context, run, text);
}

static void conclude(struct process *process, struct ward *ward, const struct event *event)
{
	if (ward->is_over)
		return;
	ward->is_over = true;
	ward->link = NULL;
	tell(process, event);
	result_line_finish(&ward->result);
}

void ward_started(struct process *process, struct ward *ward, struct utc at)
{
	struct event event = about(ward, EVENT_STARTED);

	ward->started_at = event.at = at;
	tell(process, &event);
}

void ward_start_failed(struct process *process, struct ward *ward, const char *why)
{
	struct event event = about(ward, EVENT_START_FAILED);

	event.message = why;
	conclude(process, ward, &event);
}

void ward_held_up(struct process *process, struct ward *ward, const char *why)
{
	struct event event = about(ward, EVENT_START_FAILED);

	event.message = why;
	event.is_passing = true;
	conclude(process, ward, &event);
}

void ward_lost(struct process *process, struct ward *ward, const char *why)
{
	struct event event = about(ward, EVENT_LOST);

	event.message = why;
	conclude(process, ward, &event);
}

void ward_exited(struct process *process, struct ward *ward, const struct spool_frame *frame)
{
	struct event event = about(ward, EVENT_EXITED);
	const struct spool_exit *exit = &frame->exit;
	const struct result_line *result = &ward->result;

	result_line_end(&ward->result);
	event.end = (struct attempt_end){
		.started_at = utc_is_set(ward->started_at) ? ward->started_at : ward->held_at,
		.finished_at = frame->at,
		.exit_code = exit->exit_code,
		.signal = exit->signal,
		.timed_out = exit->timed_out,
		.out_of_memory = exit->out_of_memory,
		.output_bytes = (int64_t)exit->output_bytes,
		.cpu_ms = exit->cpu_ms,
		.max_rss_kib = exit->max_rss_kib,
		.has_result = result->has_result,
		.processed = result->has_result ? result->processed : -1,
		.failed = result->has_result ? result->failed : -1,
		.message = result->message,
	};
	conclude(process, ward, &event);
}

/* verdict.c - judgements about an attempt that ended; see verdict.h. */
#include "verdict.h"

#include <signal.h>

static bool is_partial_code(const struct job *job, int32_t code)
{
	for (size_t i = 0; job && i < job->partial_codes.count; i++)
		if (job->partial_codes.items[i] == code)
			return true;
	return false;
}

enum outcome verdict_outcome(const struct job *job, enum stop_cause stop,
			     const struct attempt_end *end)
{
	if (stop == STOP_CANCEL || stop == STOP_REPLACED)
		return OUTCOME_CANCELED;
	if (end->timed_out || stop == STOP_TIMEOUT || stop == STOP_DEADLINE)
		return OUTCOME_TIMED_OUT;
	if (end->signal == 0 && is_partial_code(job, end->exit_code))
		return OUTCOME_PARTIAL;
	if (end->signal != 0 || end->exit_code != 0)
		return OUTCOME_FAILED;
	return end->has_result && end->failed > 0 ? OUTCOME_PARTIAL : OUTCOME_SUCCEEDED;
}

/* Names of the signals that end jobs; a table, as sigabbrev_np is not pure libc
 * everywhere. */
const char *verdict_signal_name(int32_t number)
{
	static const struct {
		int32_t number;
		const char *name;
	} names[] = {
		{SIGHUP, "SIGHUP"},   {SIGINT, "SIGINT"},   {SIGQUIT, "SIGQUIT"},
		{SIGILL, "SIGILL"},   {SIGABRT, "SIGABRT"}, {SIGBUS, "SIGBUS"},
		{SIGFPE, "SIGFPE"},   {SIGKILL, "SIGKILL"}, {SIGUSR1, "SIGUSR1"},
		{SIGSEGV, "SIGSEGV"}, {SIGUSR2, "SIGUSR2"}, {SIGPIPE, "SIGPIPE"},
		{SIGALRM, "SIGALRM"}, {SIGTERM, "SIGTERM"}, {SIGXCPU, "SIGXCPU"},
		{SIGXFSZ, "SIGXFSZ"}, {SIGSYS, "SIGSYS"},   {SIGTRAP, "SIGTRAP"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == number)
			return names[i].name;
	return NULL;
}

const char *verdict_message(struct arena *arena, enum outcome outcome, enum stop_cause stop,
			    const struct attempt_end *end)
{
	if (stop == STOP_REPLACED)
		return "replaced by a newer run";
	if (stop == STOP_CANCEL)
		return NULL;
	if (stop == STOP_DEADLINE)
		return "it was not done by its deadline";
	if (outcome == OUTCOME_TIMED_OUT)
		return "timed out";
	if (end->out_of_memory)
		return "killed: out of memory";
	if (end->signal != 0) {
		const char *name = verdict_signal_name(end->signal);

		return arena_format(arena, "killed by %s (%d)", name ? name : "signal",
				    end->signal);
	}
	bool has_words = end->message && *end->message;
	/* The code is the reason; what the result line said is more about it. */
	if (outcome == OUTCOME_FAILED)
		return arena_format(arena, "exit code %d%s%s", end->exit_code,
				    has_words ? ": " : "", has_words ? end->message : "");
	if (has_words)
		return end->message;
	return end->exit_code != 0 ? arena_format(arena, "exit code %d", end->exit_code) : NULL;
}

/* serve.c - `belfry serve`: the daemon's options from the command line. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beside.h"
#include "clock.h"
#include "daemon.h"
#include "http_address.h"
#include "log.h"
#include "mem.h"
#include "say.h"
#include "str.h"
#include "terminal.h"
#include "usual_state.h"
#include "verbs.h"

enum { STOP_TIMEOUT_MS = 30000, RUNNING_USUAL = 64, RUNNING_MAX = 100000 };

/* ---- the state directory ---- */

/* The folders above it; the daemon makes the last one. What fails here fails there
 * again, with a message. */
static void make_parents(struct arena *arena, const char *path)
{
	char *copy = arena_text(arena, path);

	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(copy, 0755);
		*slash = '/';
	}
}

static bool choose_state(const struct args *args, struct arena *arena,
			 struct serve_options *options, struct err *err)
{
	options->state = args_value(args, "state");
	if (options->state)
		return true;
	options->state = usual_state(arena);
	if (!options->state)
		return err_set(err, "no state directory: HOME is not set; use --state or "
				    "BELFRY_STATE");
	make_parents(arena, options->state);
	return true;
}

/* ---- options ---- */

/* In the order of enum stop_mode. */
static const char *const stop_modes[] = {"leave", "wait", "kill", NULL};
static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
static const char *const log_formats[] = {"auto", "json", "text", NULL};

static enum stop_mode read_stop_mode(const struct args *args)
{
	const char *word = args_value(args, "stop");
	enum stop_mode mode = STOP_MODE_LEAVE;

	for (size_t i = 0; word && stop_modes[i]; i++)
		if (strcmp(word, stop_modes[i]) == 0)
			mode = (enum stop_mode)i;
	return mode;
}

static bool is_json(const struct args *args)
{
	const char *format = args_value(args, "log-format");

	if (args_has(args, "json"))
		return true;
	if (!format || strcmp(format, "auto") == 0)
		return !terminal_is(OUTPUT_STDERR);
	return strcmp(format, "json") == 0;
}

static const char *or_else(const char *value, const char *otherwise)
{
	return value ? value : otherwise;
}

static bool read_options(const struct args *args, struct serve_options *options, struct err *err)
{
	struct http_address address;
	int64_t running;

	*options = (struct serve_options){
		.is_managed = args_has(args, "managed"),
		.config = args_value(args, "config"),
		.listen = or_else(args_value(args, "listen"), "127.0.0.1:7420"),
		.trusted_proxies = args_value(args, "trusted-proxy"),
		.tls_certificate = args_value(args, "tls-cert"),
		.tls_key = args_value(args, "tls-key"),
		.runner = args_value(args, "runner"),
		.stop_mode = read_stop_mode(args),
		.log_level = LOG_INFO,
		.log_json = is_json(args),
	};
	log_level_from_word(or_else(args_value(args, "log-level"), "info"), &options->log_level);
	if (!args_number(args, "max-running", 1, RUNNING_MAX, RUNNING_USUAL, &running, err) ||
	    !args_duration(args, "stop-timeout", STOP_TIMEOUT_MS, &options->stop_timeout_ms, err))
		return false;
	options->max_running = (int32_t)running;
	if (!options->tls_certificate != !options->tls_key)
		return err_set(err, "--tls-cert and --tls-key go together");
	if (!options->config && !options->is_managed)
		options->config = "schedules.json";
	return http_address_parse(options->listen, &address, err) || err_wrap(err, "--listen");
}

static int serve(struct serve_options *options, struct arena *arena)
{
	struct err err;

	log_setup(options->log_level, options->log_json, clock_utc);
	log_style(terminal_is(OUTPUT_STDERR), terminal_has_colour(OUTPUT_STDERR));
	if (!options->runner)
		options->runner = beside_find_runner(arena, &err);
	if (!options->runner) {
		log_error("%s", err.text);
		return CLI_FAILED;
	}
	log_info("state directory %s", options->state);
	return daemon_serve(options);
}

static int run(const struct args *args)
{
	struct serve_options options;
	struct arena arena = {0};
	struct err err;
	int code;

	if (read_options(args, &options, &err) && choose_state(args, &arena, &options, &err))
		code = serve(&options, &arena);
	else
		code = say_usage(args, &err);
	arena_finish(&arena);
	return code;
}

static const struct option_row options[] = {
	{.name = "config",
	 .letter = 'c',
	 .value = "FILE",
	 .summary = "the jobs (schedules.json); followed when it changes",
	 .complete = COMPLETE_FILE},
	{.name = "managed", .summary = "jobs come from `belfry apply`, not from a file"},
	{.name = "state",
	 .value = "DIR",
	 .summary = "where belfry keeps what it knows ($BELFRY_STATE)",
	 .complete = COMPLETE_FOLDER},
	{.name = "listen",
	 .value = "ADDR:PORT",
	 .summary = "the API (127.0.0.1:7420); port 0: any"},
	{.name = "trusted-proxy",
	 .value = "NETS",
	 .summary = "proxies whose X-Forwarded-For counts: 10.0.0.0/8,::1"},
	{.name = "tls-cert",
	 .value = "FILE",
	 .summary = "TLS: the certificate, PEM, with its chain",
	 .complete = COMPLETE_FILE},
	{.name = "tls-key",
	 .value = "FILE",
	 .summary = "TLS: its key, PEM; both are read anew when they change",
	 .complete = COMPLETE_FILE},
	{.name = "runner",
	 .value = "PATH",
	 .summary = "belfry-runner (the one beside this program)",
	 .complete = COMPLETE_FILE},
	{.name = "stop",
	 .value = "MODE",
	 .summary = "what becomes of running jobs at the end (leave)",
	 .complete = COMPLETE_WORDS,
	 .words = stop_modes},
	{.name = "stop-timeout",
	 .value = "DURATION",
	 .summary = "how long wait and kill wait (30s)"},
	{.name = "max-running", .value = "N", .summary = "so many runs at a time (64)"},
	{.name = "log-level",
	 .value = "LEVEL",
	 .summary = "the least that is logged (info)",
	 .complete = COMPLETE_WORDS,
	 .words = log_levels},
	{.name = "log-format",
	 .value = "FORMAT",
	 .summary = "of the log (auto: text on a terminal, else JSON)",
	 .complete = COMPLETE_WORDS,
	 .words = log_formats},
	{0},
};

const struct command command_serve = {
	.name = "serve",
	.operands = "",
	.summary = "rings the jobs: the daemon",
	.description =
		"The state directory is /var/lib/belfry for root, else $XDG_STATE_HOME/belfry or\n"
		"~/.local/state/belfry. SIGTERM and SIGINT stop; SIGHUP reads the file again.",
	.examples = "  belfry serve --config schedules.json --state /var/lib/belfry\n"
		    "  belfry serve --stop wait --stop-timeout 2m",
	.options = options,
	.run = run,
};

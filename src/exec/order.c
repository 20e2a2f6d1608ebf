/* order.c - what the runner is told to do; see order.h. */
#include "order.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "env_file.h"
#include "user.h"

/* As it was when we began: after an upgrade the new program is at the same place. */
static char *own_program(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0)
		return NULL;
	path[n] = '\0';
	return mem_copy_text(path);
}

bool order_base_init(struct order_base *base, struct err *err)
{
	mode_t mask = umask(022); /* it can only be read by being set */

	umask(mask);
	*base = (struct order_base){.environment = (const char *const *)environ,
				    .cwd = getcwd(NULL, 0),
				    .program = own_program(),
				    .umask = (int32_t)mask,
				    .uid = geteuid()};
	return base->cwd || err_errno(err, errno, "cannot tell the working directory");
}

void order_base_finish(struct order_base *base)
{
	free(base->cwd);
	free(base->program);
	base->cwd = base->program = NULL;
}

/* ---- the environment ---- */

struct environment {
	struct arena *arena;
	const char **items; /* ends with NULL */
	size_t count, capacity;
};

static size_t find(const char *const *items, const char *name, size_t length)
{
	size_t i = 0;

	while (items && items[i] &&
	       (strncmp(items[i], name, length) != 0 || items[i][length] != '='))
		i++;
	return i;
}

const char *order_variable(const char *const *env, const char *name)
{
	const char *item = env[find(env, name, strlen(name))];

	return item ? item + strlen(name) + 1 : NULL;
}

static void grow(struct environment *env)
{
	size_t capacity = env->capacity ? env->capacity * 2 : 64;
	const char **items = arena_array(env->arena, const char *, capacity + 1);

	if (env->count)
		memcpy(items, env->items, env->count * sizeof(*items));
	env->items = items;
	env->capacity = capacity;
}

static void put(struct environment *env, const char *item, size_t name_length)
{
	size_t place = find(env->items, item, name_length);

	if (place == env->count && env->count == env->capacity)
		grow(env);
	if (place == env->count)
		env->count++;
	env->items[place] = item;
}

static void set(void *context, const char *name, const char *value)
{
	struct environment *env = context;

	put(env, arena_format(env->arena, "%s=%s", name, value), strlen(name));
}

/* What belfry tells is never taken from elsewhere, and what systemd tells belfry is not
 * for its jobs: sd_notify(3), sd_listen_fds(3). */
static bool is_told(const char *item)
{
	static const char *const names[] = {
		"BELFRY_JOB=",     "BELFRY_RUN_ID=", "BELFRY_SCHEDULED_AT=", "BELFRY_ATTEMPT=",
		"BELFRY_DRY_RUN=", "NOTIFY_SOCKET=", "LISTEN_PID=",          "LISTEN_FDS=",
		"LISTEN_FDNAMES=", "WATCHDOG_PID=",  "WATCHDOG_USEC=",       "LISTEN_PIDFDID=",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(item, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

static void inherit(struct environment *env, const char *const *from)
{
	for (; from && *from; from++) {
		const char *sign = strchr(*from, '=');

		if (sign && sign > *from && !is_told(*from))
			put(env, *from, (size_t)(sign - *from));
	}
}

static void set_user(struct environment *env, const struct user *user)
{
	set(env, "HOME", user->home ? user->home : "/");
	if (user->name) {
		set(env, "USER", user->name);
		set(env, "LOGNAME", user->name);
	}
	set(env, "SHELL", user->shell && *user->shell ? user->shell : "/bin/sh");
}

static void set_run(struct environment *env, const struct job *job, const struct run *run)
{
	char id[RUN_ID_TEXT_MAX], at[UTC_TEXT_MAX], number[16];

	set(env, "BELFRY_JOB", job->name);
	set(env, "BELFRY_RUN_ID", run_id_format(run->id, id));
	if (utc_is_set(run->scheduled_at))
		set(env, "BELFRY_SCHEDULED_AT", utc_format(run->scheduled_at, at));
	snprintf(number, sizeof(number), "%d", run->attempt);
	set(env, "BELFRY_ATTEMPT", number);
	set(env, "BELFRY_DRY_RUN", run->dry_run ? "1" : "0");
}

/* A job's file is beside its program: relative to where belfry was started. */
static const char *absolute(const struct order_base *base, const char *path, struct arena *arena)
{
	if (!path)
		return base->cwd;
	return *path == '/' ? path : arena_format(arena, "%s/%s", base->cwd, path);
}

/* The path in messages: whole, unless a part of it is not to be seen. */
static const char *shown_path(const struct order_base *base, const char *path, const char *shown,
			      struct arena *arena)
{
	if (!path)
		return base->cwd;
	if (!shown)
		return "(hidden)";
	return strcmp(path, shown) == 0 ? absolute(base, path, arena) : shown;
}

static bool add_told(const struct order_base *base, const struct job *job, const struct run *run,
		     struct environment *env, struct err *err)
{
	if (job->env_file &&
	    !env_file_read(absolute(base, job->env_file, env->arena),
			   shown_path(base, job->env_file, job->env_file_shown, env->arena),
			   env->arena, set, env, err))
		return false;
	for (size_t i = 0; i < job->env_count; i++)
		set(env, job->env[i].name, job->env[i].value);
	set_run(env, job, run);
	return true;
}

static bool make_environment(const struct order_base *base, const struct job *job,
			     const struct run *run, const struct user *user,
			     struct environment *env, struct err *err)
{
	grow(env);
	inherit(env, base->environment);
	if (user)
		set_user(env, user);
	return add_told(base, job, run, env, err);
}

bool order_told(const struct order_base *base, const struct job *job, const struct run *run,
		struct arena *arena, const char *const **list, struct err *err)
{
	struct environment env = {.arena = arena};

	grow(&env);
	if (!add_told(base, job, run, &env, err))
		return false;
	*list = env.items;
	return true;
}

/* ---- the arguments ---- */

static size_t extra_count(const struct job *job, const struct run *run)
{
	return run->dry_run ? job->dry_run.count : 0;
}

static const char *join(const struct text_list *words, struct arena *arena)
{
	const char *text = words->items[0];

	for (size_t i = 1; i < words->count; i++)
		text = arena_format(arena, "%s %s", text, words->items[i]);
	return text;
}

/* sh -c 'command "$@"' sh ARG…: extra arguments come where they would be typed. */
static const char *const *shell_argv(const struct job *job, size_t extra, struct arena *arena)
{
	const char **argv = arena_array(arena, const char *, 5 + extra);
	const char *text = join(&job->argv, arena);

	argv[0] = job->process.shell;
	argv[1] = "-c";
	argv[2] = extra ? arena_format(arena, "%s \"$@\"", text) : text;
	argv[3] = extra ? job->process.shell : NULL;
	for (size_t i = 0; i < extra; i++)
		argv[4 + i] = job->dry_run.items[i];
	return argv;
}

static const char *const *plain_argv(const struct order_base *base, const struct job *job,
				     size_t extra, struct arena *arena)
{
	const char **argv = arena_array(arena, const char *, job->argv.count + extra + 1);

	for (size_t i = 0; i < job->argv.count; i++)
		argv[i] = job->argv.items[i];
	if (job->verify)
		argv[0] = base->program;
	for (size_t i = 0; i < extra; i++)
		argv[job->argv.count + i] = job->dry_run.items[i];
	return argv;
}

/* ---- the whole ---- */

static bool become(const struct order_base *base, const struct job *job, const struct user *user,
		   struct start_order *order, struct err *err)
{
	if (base->uid != 0 && user->uid != base->uid)
		return err_set(err,
			       "cannot become the user %s: belfry does not run as root; run it as "
			       "root, or as that user",
			       job->process.user);
	order->has_user = base->uid == 0;
	order->uid = user->uid;
	order->gid = user->gid;
	order->groups = user->groups;
	order->group_count = user->group_count;
	return true;
}

static void set_shown(const struct order_base *base, const struct job *job, struct arena *arena,
		      struct start_order *order)
{
	const char *program = job->argv_shown.count ? job->argv_shown.items[0] : "(hidden)";

	order->program_shown = job->process.shell ? job->process.shell : program;
	order->cwd_shown = shown_path(base, job->process.cwd, job->process.cwd_shown, arena);
}

static void set_limits(const struct process_limits *limits, struct start_order *order)
{
	order->limits[LIMIT_OPEN_FILES] = limits->open_files;
	order->limits[LIMIT_PROCESSES] = limits->processes;
	order->limits[LIMIT_FILE_SIZE] = limits->file_size;
	order->limits[LIMIT_MEMORY] = limits->memory;
	order->limits[LIMIT_CPU] = limits->cpu_s;
	order->limits[LIMIT_CORE] = limits->core;
	order->limits[LIMIT_CPUS] = limits->cpus_milli;
}

bool order_make(const struct order_base *base, const struct job *job, const struct run *run,
		struct arena *arena, struct start_order *order, struct err *err)
{
	struct environment env = {.arena = arena};
	struct user user;
	bool has_user = job->process.user != NULL;
	size_t extra = extra_count(job, run);

	*order = (struct start_order){.timeout_ms = job->timeout_ms,
				      .grace_ms = job->grace_ms,
				      .output_max = ORDER_OUTPUT_MAX};
	if (job->argv.count == 0)
		return err_set(err, "the job has no command");
	if (job->verify && !base->program)
		return err_set(err, "cannot tell where belfry's own program is: is /proc there?");
	if (has_user && (!user_find(job->process.user, arena, &user, err) ||
			 !become(base, job, &user, order, err)))
		return false;
	if (!make_environment(base, job, run, has_user ? &user : NULL, &env, err))
		return false;
	order->argv = job->process.shell ? shell_argv(job, extra, arena)
					 : plain_argv(base, job, extra, arena);
	order->env = env.items;
	order->cwd = absolute(base, job->process.cwd, arena);
	set_shown(base, job, arena, order);
	order->umask = job->process.umask >= 0 ? job->process.umask : base->umask;
	order->no_new_privs = job->process.no_new_privs;
	set_limits(&job->process.limits, order);
	return true;
}

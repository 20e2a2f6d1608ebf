/* doctor_parts.c - schedules.json, the runner, the port. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "beside.h"
#include "doctor.h"
#include "http_address.h"
#include "http_client.h"
#include "jobs_file.h"
#include "version.h"

enum { ANSWER_MS = 5000 };

/* ---- schedules.json ---- */

static void judge_config(struct doctor *doctor, const struct jobs_file *file)
{
	size_t errors = file->findings.errors;
	size_t warnings = file->findings.count - errors;
	const char *check = arena_format(&doctor->arena, "see belfry check %s", doctor->config);

	if (errors)
		doctor_say(doctor, "schedules.json", HEALTH_ERROR, check, "%s has %zu error%s",
			   doctor->config, errors, errors == 1 ? "" : "s");
	else if (warnings)
		doctor_say(doctor, "schedules.json", HEALTH_WARNING, check,
			   "%s is right but has %zu warning%s", doctor->config, warnings,
			   warnings == 1 ? "" : "s");
	else
		doctor_say(doctor, "schedules.json", HEALTH_OK, NULL, "%s, %zu job%s",
			   doctor->config, file->config->job_count,
			   file->config->job_count == 1 ? "" : "s");
}

void doctor_config(struct doctor *doctor)
{
	bool is_named = args_has(doctor->args, "config");
	struct jobs_file file;
	struct err err;

	if (jobs_file_load(&file, doctor->config, &err))
		judge_config(doctor, &file);
	else
		doctor_say(doctor, "schedules.json", is_named ? HEALTH_ERROR : HEALTH_WARNING,
			   "say where it is with --config", "%s", err.text);
	jobs_file_finish(&file);
}

/* ---- the runner ---- */

static pid_t spawn(const char *path, int output)
{
	char *argv[] = {(char[]){"belfry-runner"}, (char[]){"--version"}, NULL};
	posix_spawn_file_actions_t actions;
	pid_t pid = -1;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", 0, 0);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	errno = posix_spawn(&pid, path, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return errno ? -1 : pid;
}

/* Its first words, within ANSWER_MS. */
static void read_answer(int fd, char *text, size_t size)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	ssize_t n = poll(&ready, 1, ANSWER_MS) == 1 ? read(fd, text, size - 1) : 0;

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

/* "belfry-runner 0.1.0"; "" where it says nothing. False: it cannot be run. */
static bool ask_version(const char *path, char *text, size_t size, struct err *err)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return err_errno(err, errno, "pipe");
	pid_t pid = spawn(path, ends[1]);
	close(ends[1]);
	if (pid < 0)
		err_errno(err, errno, "%s cannot be run", path);
	else
		read_answer(ends[0], text, size);
	close(ends[0]);
	if (pid < 0)
		return false;
	kill(pid, SIGKILL); /* it has answered, or never will */
	waitpid(pid, NULL, 0);
	return true;
}

void doctor_runner(struct doctor *doctor)
{
	static const char remedy[] = "put both programs of one build into one folder";
	static const char name[] = "belfry-runner ";
	const char *path;
	char text[128];
	struct err err;

	path = beside_find_runner(&doctor->arena, &err);
	if (!path || !ask_version(path, text, sizeof(text), &err))
		doctor_say(doctor, "runner", HEALTH_ERROR, remedy, "%s", err.text);
	else if (strncmp(text, name, strlen(name)) != 0 ||
		 strcmp(text + strlen(name), version_text) != 0)
		doctor_say(doctor, "runner", HEALTH_ERROR, remedy,
			   "%s is of another version: it says \"%.60s\", this is belfry %s", path,
			   text, version_text);
	else
		doctor_say(doctor, "runner", HEALTH_OK, NULL, "%s, version %s", path, version_text);
}

/* ---- the port ---- */

/* Whether what listens there is a belfry. */
static bool is_belfry(const char *server)
{
	struct http_call call = {
		.server = server, .method = "GET", .target = "/health", .timeout_ms = ANSWER_MS};
	struct http_reply reply = {0};
	struct err err;
	bool is_one = false;

	if (http_client_send(&call, &reply, &err)) {
		json_t *body = json_loadb(buf_string(&reply.body), reply.body.length, 0, NULL);

		is_one = json_is_string(json_object_get(body, "status")) &&
			 json_object_get(body, "running") && json_object_get(body, "store");
		json_decref(body);
	}
	http_reply_finish(&reply);
	return is_one;
}

static void say_taken(struct doctor *doctor, const char *text)
{
	if (is_belfry(text))
		doctor_say(doctor, "port", HEALTH_OK, NULL, "belfry answers at %s", text);
	else
		doctor_say(doctor, "port", HEALTH_ERROR,
			   "stop that program, or choose another port with --listen",
			   "%s is taken by another program", text);
}

static void try_port(struct doctor *doctor, const struct http_address *address)
{
	char text[HTTP_ADDRESS_TEXT_MAX];
	int fd = socket(address->socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	http_address_format(address, text);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (fd < 0)
		doctor_say(doctor, "port", HEALTH_ERROR, "choose another address with --listen",
			   "%s cannot be used: %s", text, strerror(errno));
	else if (bind(fd, &address->socket.any, address->length) == 0 && listen(fd, 1) == 0)
		doctor_say(doctor, "port", HEALTH_OK, NULL, "%s is free", text);
	else if (errno == EADDRINUSE)
		say_taken(doctor, text);
	else
		doctor_say(doctor, "port", HEALTH_ERROR,
			   "choose another address or a port above 1023 with --listen",
			   "%s cannot be listened at: %s", text, strerror(errno));
	if (fd >= 0)
		close(fd);
}

void doctor_port(struct doctor *doctor)
{
	struct http_address address;
	struct err err;

	if (!http_address_parse(doctor->listen, &address, &err))
		doctor_say(doctor, "port", HEALTH_ERROR, "see belfry serve --help", "--listen: %s",
			   err.text);
	else if (!http_address_is_loopback(&address))
		doctor_say(doctor, "port", HEALTH_ERROR, "use 127.0.0.1 or [::1]",
			   "%s is not loopback; belfry serve refuses it", doctor->listen);
	else
		try_port(doctor, &address);
}

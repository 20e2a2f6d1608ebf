/* deploying.c - what the verbs that deploy share; see deploying.h. */
#include "deploying.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "config.h"
#include "jobs_file.h"
#include "say.h"
#include "str.h"
#include "terminal.h"

enum { TIMEOUT_MS = 120000 };

/* ---- the file ---- */

int deploying_read(struct deploying *file, const struct args *args, const char *path)
{
	struct err err;

	*file = (struct deploying){.path = path};
	if (config_read(path, &file->text, &file->length, &err))
		return CLI_OK;
	say_failed(args, &err);
	return CLI_USAGE;
}

void deploying_finish(struct deploying *file)
{
	free(file->text);
	*file = (struct deploying){0};
}

bool deploying_is_number(const char *word)
{
	size_t digits = strspn(word, "0123456789");

	return digits > 0 && digits <= 18 && !word[digits];
}

/* ---- asking ---- */

static bool say_findings(const struct deploying *file, const json_t *problem)
{
	const json_t *findings = json_object_get(problem, "findings");
	struct buf out = {0};

	for (size_t i = 0; i < json_array_size(findings); i++) {
		const json_t *item = json_array_get(findings, i);
		bool is_error = strcmp(client_text(item, "severity"), "error") == 0;
		struct finding finding = {
			.severity = is_error ? SEVERITY_ERROR : SEVERITY_WARNING,
			.line = (uint32_t)client_int(item, "line", 0),
			.column = (uint32_t)client_int(item, "column", 0),
			.length = 1,
			.path = client_text(item, "path"),
			.message = client_text(item, "message"),
		};

		jobs_file_add_finding(&out, OUTPUT_STDERR, file->path ? file->path : "revision",
				      &finding);
	}
	terminal_write(OUTPUT_STDERR, buf_string(&out), out.length);
	buf_finish(&out);
	return json_array_size(findings) > 0;
}

json_t *deploying_ask(const struct args *args, const struct deploying *file, const char *target,
		      int *code)
{
	struct client_question question = {
		.method = "POST",
		.target = target,
		.body = file->text,
		.body_length = file->length,
		.timeout_ms = TIMEOUT_MS,
		.takes_problem = true,
	};
	struct err err = {""};
	int status;
	json_t *answer = client_ask(args, &question, &status, &err);

	*code = CLI_OK;
	if (answer && status >= 200 && status <= 299)
		return answer;
	*code = status == 422 ? CLI_USAGE : CLI_FAILED;
	if (status != 422 || !say_findings(file, answer))
		say_failed(args, &err);
	json_decref(answer);
	return NULL;
}

/* ---- the plan ---- */

bool deploying_has_changes(const json_t *plan)
{
	return json_array_size(json_object_get(plan, "steps")) > 0;
}

bool deploying_is_same(const json_t *plan)
{
	return client_bool(plan, "is_same_content");
}

static enum style style_of(const char *line)
{
	static const struct {
		const char *begin;
		enum style style;
	} styles[] = {{"+ ", STYLE_GOOD},    {"- ", STYLE_BAD},      {"~ ", STYLE_WARN},
		      {"> ", STYLE_WARN},    {"    ! ", STYLE_WARN}, {"warning: ", STYLE_WARN},
		      {"Plan: ", STYLE_BOLD}};

	for (size_t i = 0; i < sizeof(styles) / sizeof(styles[0]); i++)
		if (strncmp(line, styles[i].begin, strlen(styles[i].begin)) == 0)
			return styles[i].style;
	return STYLE_PLAIN;
}

int deploying_show(const struct args *args, const json_t *plan)
{
	const char *text = client_text(plan, "rendered");
	struct buf out = {0}, line = {0};

	for (const char *end; *text; text = end + (*end == '\n')) {
		end = strchrnul(text, '\n');
		buf_clear(&line);
		buf_add(&line, text, (size_t)(end - text));
		terminal_add(&out, OUTPUT_STDOUT, style_of(buf_string(&line)), buf_string(&line));
		buf_char(&out, '\n');
	}
	buf_finish(&line);
	return say_print(args, &out);
}

int deploying_say_same(const struct args *args, json_t *plan)
{
	struct buf out = {0};

	if (args_has(args, "json")) {
		json_t *answer =
			json_pack("{s:b, s:n, s:O}", "applied", 0, "revision", "plan", plan);
		return say_json(args, answer);
	}
	buf_format(&out, "no changes: revision %lld has the same content\n",
		   (long long)client_int(plan, "revision", 0));
	return say_print(args, &out);
}

/* ---- going on ---- */

int deploying_confirm(const struct args *args, const char *question)
{
	char line[16] = "";
	struct err err;

	if (args_has(args, "yes"))
		return CLI_OK;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		err_set(&err, "nobody can be asked here; say --yes to go on");
		return say_usage(args, &err);
	}
	fprintf(stderr, "%s [y/N] ", question);
	if (fgets(line, sizeof(line), stdin) && strchr("yY", line[0]) && line[0])
		return CLI_OK;
	say_note("nothing is changed");
	return CLI_FAILED;
}

/* Of the CI systems that are common; the first one that is set. */
static const char *from_environment(const char *const *names)
{
	for (; *names; names++) {
		const char *value = getenv(*names);

		if (!str_empty(value))
			return value;
	}
	return NULL;
}

static void add_author(struct buf *target, const struct args *args)
{
	static const char *const actors[] = {"GITHUB_ACTOR",
					     "GITLAB_USER_LOGIN",
					     "CIRCLE_USERNAME",
					     "BUILDKITE_BUILD_CREATOR",
					     "BITBUCKET_STEP_TRIGGERER_UUID",
					     NULL};
	static const char *const users[] = {"USER", "LOGNAME", NULL};
	const char *author = args_value(args, "author"), *user;
	char host[128] = "", text[256];

	if (!author)
		author = from_environment(actors);
	if (!author) {
		user = from_environment(users);
		if (gethostname(host, sizeof(host) - 1) != 0)
			host[0] = '\0';
		snprintf(text, sizeof(text), "%s@%s", user ? user : "somebody", host);
		author = text;
	}
	client_query(target, "author", author);
}

static void add_message(struct buf *target, const struct args *args)
{
	static const char *const commits[] = {"GITHUB_SHA",       "CI_COMMIT_SHA",    "CIRCLE_SHA1",
					      "BUILDKITE_COMMIT", "BITBUCKET_COMMIT", NULL};
	const char *message = args_value(args, "message"), *commit;
	char text[256];

	if (!message) {
		commit = from_environment(commits);
		if (!commit)
			return;
		snprintf(text, sizeof(text), "commit %s", commit);
		message = text;
	}
	client_query(target, "message", message);
}

void deploying_about(struct buf *target, const struct args *args, const char *source)
{
	add_author(target, args);
	add_message(target, args);
	client_query(target, "source", source);
}

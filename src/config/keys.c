/* keys.c - the one table of keys; see keys.h. */
#include "keys.h"

#include <stdio.h>
#include <string.h>

#include "config.h"
#include "draft.h"
#include "str.h"

enum { TYPE_MAX = 64 };

/* The words of an enum in its order, so that an index is a value. */
#define ONLY_WORD(name, word) word,
static const char *const overlap_words[] = {OVERLAPS(ONLY_WORD) NULL};
static const char *const catchup_words[] = {CATCHUPS(ONLY_WORD) NULL};
/* What may be retried: the others are no failure, or somebody's wish. */
static const char *const retry_words[] = {"failed", "timed_out", "unknown", "partial", NULL};
static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", NULL};

#define TOP(member)           .path = member, .name = member, .parent = KEY_NONE
#define JOB(member)           .path = "jobs[]." member, .name = member, .parent = KEY_JOBS
#define IN(above, up, member) .path = "jobs[]." up "." member, .name = member, .parent = above
#define AT(member)                                                                                 \
	.is_kept = true, .offset = offsetof(struct draft, member),                                 \
	.width = sizeof(((struct draft *)NULL)->member)
#define SHOWN(member) .shown_offset = offsetof(struct draft, member)

#define DAY_MS   INT64_C(86400000)
#define YEARS_MS (INT64_C(36600) * DAY_MS)
#define DURATION .kind = KIND_DURATION, .type = "duration", .most = YEARS_MS
#define INTEGER  .kind = KIND_INTEGER, .type = "whole number"
#define SIZE     .kind = KIND_SIZE, .type = "size", .most = INT64_C(1) << 60
#define OBJECT   .kind = KIND_OBJECT, .type = "object"
#define TEXT     .kind = KIND_TEXT, .type = "text"
#define TEXTS    .kind = KIND_TEXTS, .type = "list of texts"
#define CALENDAR .kind = KIND_CALENDAR, .type = "text, number or list of them"

/* clang-format off */
const struct key_row keys[KEY_COUNT] = {
	[KEY_NONE] = {.path = "", .name = "", .kind = KIND_OBJECT},
	[KEY_SCHEMA] = {TOP("$schema"), TEXT,
		.summary = "where editors find the JSON Schema; belfry does not read it"},
	[KEY_FILE_TIMEZONE] = {TOP("timezone"), .kind = KIND_ZONE, .type = "time zone",
		.default_json = "\"UTC\"",
		.summary = "the zone of all jobs that name none of their own (IANA name)"},
	[KEY_DEFAULTS] = {TOP("defaults"), .kind = KIND_DEFAULTS, .type = "object",
		.summary = "values for all jobs that do not have their own; any key of a job but "
			   "those that say what it is and when"},
	[KEY_JOBS] = {TOP("jobs"), .kind = KIND_JOBS, .type = "list of jobs", .is_required = true,
		.summary = "the list of jobs, which may be empty"},

	[KEY_NAME] = {JOB("name"), TEXT, .is_required = true, .is_job_only = true,
		.most = JOB_NAME_MAX, .least = 1, .rule = RULE_NAME, AT(job.name),
		.summary = "what the job is called; unique in the file, at most 100 bytes"},
	[KEY_WAS] = {JOB("was"), .kind = KIND_NAMES, .type = "text or list of texts",
		.is_job_only = true, .most = JOB_NAME_MAX, .least = 1,
		.rule = RULE_NAME, AT(job.was),
		.summary = "the name it had before, or several: their history becomes its own"},
	[KEY_DESCRIPTION] = {JOB("description"), TEXT, .is_job_only = true, AT(job.description),
		.summary = "what the job is for, for people"},
	[KEY_TAGS] = {JOB("tags"), TEXTS, AT(job.tags), .least = 1,
		.summary = "words to group jobs by"},

	[KEY_SCHEDULE] = {JOB("schedule"), .kind = KIND_SCHEDULE,
		.type = "cron expression or calendar form", .is_required = true, .is_job_only = true,
		.summary = "when the job is due: \"0 9 * * mon\", \"@every 15m\", or an object "
			   "such as {\"every\": \"day\", \"time\": \"09:00\"}"},
	[KEY_EVERY] = {IN(KEY_SCHEDULE, "schedule", "every"), .kind = KIND_TEXT, .is_job_only = true,
		AT(calendar.every), .least = 1,
		.type = "hour, day, week, month, year or a duration",
		.summary = "the unit that repeats"},
	[KEY_AT] = {IN(KEY_SCHEDULE, "schedule", "at"), .kind = KIND_TEXT, .is_job_only = true, AT(calendar.at),
		.rule = RULE_MOMENT, .type = "date-time", .least = 1,
		.summary = "the one instant it is due, in the job's zone or with an offset"},
	[KEY_MONTH] = {IN(KEY_SCHEDULE, "schedule", "month"), CALENDAR, .is_job_only = true,
		AT(calendar.month), .summary = "month of the year, as in \"december\""},
	[KEY_DAY] = {IN(KEY_SCHEDULE, "schedule", "day"), CALENDAR, .is_job_only = true,
		AT(calendar.day),
		.summary = "day of the month: 1-31, \"last\", \"last weekday\", \"first monday\""},
	[KEY_WEEKDAY] = {IN(KEY_SCHEDULE, "schedule", "weekday"), CALENDAR, .is_job_only = true,
		AT(calendar.weekday), .summary = "day of the week, as in \"monday\""},
	[KEY_TIME] = {IN(KEY_SCHEDULE, "schedule", "time"), CALENDAR, .is_job_only = true,
		AT(calendar.time), .summary = "time of day, as in \"09:00\" or \"06:15:30\""},
	[KEY_MINUTE] = {IN(KEY_SCHEDULE, "schedule", "minute"), CALENDAR, .is_job_only = true,
		AT(calendar.minute), .summary = "minute of the hour"},
	[KEY_TIMEZONE] = {JOB("timezone"), .kind = KIND_ZONE, .type = "time zone", 
		.summary = "whose clock the schedule follows (IANA name); else the file's"},
	[KEY_START] = {JOB("start"), .kind = KIND_TEXT, AT(start), .least = 1, .rule = RULE_MOMENT,
		.type = "date or date-time",
		.summary = "not due before; also where @every counts from"},
	[KEY_END] = {JOB("end"), .kind = KIND_TEXT, AT(end), .least = 1, .rule = RULE_MOMENT,
		.type = "date or date-time", .summary = "not due at or after"},
	[KEY_EXCEPT] = {JOB("except"), .kind = KIND_TEXTS, AT(except), .least = 1, .rule = RULE_EXCEPTION,
		.type = "list of dates",
		.summary = "days without: \"2026-12-25\", \"12-25\" each year, "
			   "\"2026-12-24/2027-01-02\""},
	[KEY_JITTER] = {JOB("jitter"), DURATION, AT(jitter_ms), .default_json = "\"0s\"",
		.summary = "delays each start by a fixed amount below this, so that jobs spread out"},
	[KEY_ENABLED] = {JOB("enabled"), .kind = KIND_SWITCH, .type = "true or false",
		AT(job.enabled), .default_json = "true",
		.summary = "whether it is due at all; absent means false in cron-manager's form"},

	[KEY_TIMEOUT] = {JOB("timeout"), DURATION, AT(job.timeout_ms), .default_json = "\"0s\"",
		.summary = "how long one attempt may take; 0s: as long as it likes"},
	[KEY_COMMAND_TIMEOUT] = {JOB("command_timeout"), INTEGER, AT(job.timeout_ms),
		.most = YEARS_MS / 1000, .scale = 1000,
		.summary = "cron-manager's word for timeout, in seconds; 30 there if absent or 0"},
	[KEY_GRACE] = {JOB("grace"), DURATION, AT(job.grace_ms), .default_json = "\"10s\"",
		.summary = "from SIGTERM to SIGKILL when it is ended"},
	[KEY_DEADLINE] = {JOB("deadline"), DURATION, AT(job.deadline_ms), .default_json = "\"0s\"",
		.summary = "how long a run may take from due to done, waiting and retries included; "
			   "0s: as long as it likes"},
	[KEY_RETRY] = {JOB("retry"), OBJECT, .summary = "whether a failed attempt is repeated"},
	[KEY_ATTEMPTS] = {IN(KEY_RETRY, "retry", "attempts"), INTEGER, AT(job.retry.attempts),
		.least = 1, .most = JOB_ATTEMPTS_MAX, .default_json = "1",
		.summary = "attempts of a run in all; 1 to 100"},
	[KEY_BACKOFF] = {IN(KEY_RETRY, "retry", "backoff"), DURATION, AT(job.retry.backoff_ms),
		.default_json = "\"10s\"",
		.summary = "wait before the second attempt; doubles each time; each wait is "
			   "shortened by up to a tenth, so that not all come again together"},
	[KEY_MAX_BACKOFF] = {IN(KEY_RETRY, "retry", "max_backoff"), DURATION,
		AT(job.retry.max_backoff_ms), .default_json = "\"1h\"",
		.summary = "the longest such wait"},
	[KEY_RETRY_ON] = {IN(KEY_RETRY, "retry", "on"), .kind = KIND_OUTCOMES,
		.type = "list of failed, timed_out, unknown, partial", .words = retry_words,
		AT(job.retry.on), .default_json = "[\"failed\", \"timed_out\"]",
		.summary = "the outcomes that are tried again"},
	[KEY_PRIORITY] = {JOB("priority"), INTEGER, AT(job.priority),
		.least = -JOB_PRIORITY_MAX, .most = JOB_PRIORITY_MAX, .default_json = "0",
		.summary = "of runs that wait for a place, the larger one starts first; -100 to 100"},
	[KEY_GROUP] = {JOB("group"), TEXT, .most = JOB_NAME_MAX, .least = 1, .rule = RULE_NAME,
		AT(job.group),
		.summary = "name of the jobs that share places: beyond group_limit runs wait"},
	[KEY_GROUP_LIMIT] = {JOB("group_limit"), INTEGER, AT(job.group_limit), .least = 1,
		.most = 100000, .default_json = "1",
		.summary = "runs of the whole group at a time; the same in all its jobs that say it"},
	[KEY_OVERLAP] = {JOB("overlap"), .kind = KIND_WORD,
		.type = "one of forbid, allow, queue, replace", .words = overlap_words,
		AT(job.overlap), .default_json = "\"forbid\"",
		.summary = "what becomes of a due run while the one before still runs"},
	[KEY_CATCHUP] = {JOB("catchup"), .kind = KIND_WORD, .type = "one of once, all, none",
		.words = catchup_words, AT(job.catchup), .default_json = "\"once\"",
		.summary = "what becomes of runs that fell due while belfry was down"},
	[KEY_CATCHUP_WINDOW] = {JOB("catchup_window"), DURATION, AT(job.catchup_window_ms),
		.default_json = "\"1h\"", .summary = "how late such a run may still start"},
	[KEY_EXIT_CODES] = {JOB("exit_codes"), OBJECT, .summary = "what exit codes mean"},
	[KEY_PARTIAL_CODES] = {IN(KEY_EXIT_CODES, "exit_codes", "partial"), .kind = KIND_INTEGERS,
		.type = "list of whole numbers", .least = 1, .most = 255, AT(job.partial_codes),
		.summary = "exit codes (1 to 255) that mean: worked, but lost some items"},
	[KEY_DRY_RUN] = {JOB("dry_run"), TEXTS, .is_job_only = true, .is_expanded = true,
		AT(job.dry_run), .summary = "arguments added to the command in a dry run"},
	[KEY_ENV] = {JOB("env"), .kind = KIND_MAP, .type = "object of texts", .is_expanded = true,
		.rule = RULE_ENV_NAME, AT(env),
		.summary = "environment variables of the job; those of defaults are added to"},
	[KEY_ENV_FILE] = {JOB("env_file"), TEXT, .is_expanded = true, AT(job.env_file),
		SHOWN(job.env_file_shown), .least = 1,
		.summary = "file of NAME=value lines, read at each start"},
	[KEY_ALERT] = {JOB("alert"), OBJECT,
		.summary = "who hears of failures; for a later release, checked but not used yet"},
	[KEY_ALERT_PARTIAL] = {IN(KEY_ALERT, "alert", "partial"), .kind = KIND_SWITCH,
		.type = "true or false", .summary = "whether a partial outcome counts as a failure"},
	[KEY_KEEP] = {JOB("keep"), OBJECT, .summary = "how long finished runs and logs are kept"},
	[KEY_KEEP_AGE] = {IN(KEY_KEEP, "keep", "age"), DURATION, AT(job.keep.age_ms),
		.default_json = "\"90d\"", .summary = "older ones go"},
	[KEY_KEEP_RUNS] = {IN(KEY_KEEP, "keep", "runs"), INTEGER, AT(job.keep.runs),
		.most = INT64_C(1) << 40, .default_json = "1000",
		.summary = "at most so many of each job"},

	[KEY_COMMAND] = {JOB("command"), .kind = KIND_COMMAND, .type = "text or list of texts",
		.is_job_only = true, .is_expanded = true,
		.summary = "what to run; a text is split into words as a shell would, without a "
			   "shell"},
	[KEY_CWD] = {JOB("cwd"), TEXT, .is_expanded = true, .is_process_only = true,
		AT(job.process.cwd), SHOWN(job.process.cwd_shown), .least = 1,
		.summary = "working directory; else the one belfry was started in"},
	[KEY_USER] = {JOB("user"), TEXT, .is_process_only = true, AT(job.process.user), .least = 1,
		.summary = "user to run as (name or number); else belfry's own"},
	[KEY_SHELL] = {JOB("shell"), TEXT, .is_process_only = true, AT(job.process.shell),
		.least = 1,
		.summary = "a shell, as in \"/bin/sh\": command is one text for its -c, and ${NAME} "
			   "in it is left to the shell"},
	[KEY_UMASK] = {JOB("umask"), .kind = KIND_UMASK, .type = "octal digits in quotes",
		.is_process_only = true, AT(job.process.umask),
		.summary = "file mode mask, as in \"022\"; else belfry's own"},
	[KEY_NO_NEW_PRIVS] = {JOB("no_new_privs"), .kind = KIND_SWITCH, .type = "true or false",
		.is_process_only = true, AT(job.process.no_new_privs), .default_json = "false",
		.summary = "whether nothing it runs may gain rights, as by sudo or another "
			   "set-user-id program"},
	[KEY_LIMITS] = {JOB("limits"), OBJECT, .is_process_only = true,
		.summary = "resource limits of its processes"},
	[KEY_OPEN_FILES] = {IN(KEY_LIMITS, "limits", "open_files"), INTEGER, .least = 3,
		.most = INT64_C(1) << 30, AT(job.process.limits.open_files),
		.summary = "open files of a process"},
	[KEY_PROCESSES] = {IN(KEY_LIMITS, "limits", "processes"), INTEGER, .least = 1,
		.most = INT64_C(1) << 30, AT(job.process.limits.processes),
		.summary = "processes of the job; without a control group, of its user"},
	[KEY_FILE_SIZE] = {IN(KEY_LIMITS, "limits", "file_size"), SIZE,
		AT(job.process.limits.file_size), .summary = "largest file it may write"},
	[KEY_MEMORY] = {IN(KEY_LIMITS, "limits", "memory"), SIZE, .least = 1,
		AT(job.process.limits.memory),
		.summary = "memory of the job, as in \"512M\"; without a control group, address "
			   "space of each process"},
	[KEY_CPU] = {IN(KEY_LIMITS, "limits", "cpu"), DURATION, .least = 1000, AT(cpu_ms),
		.summary = "processor time of a process, in whole seconds"},
	[KEY_CPUS] = {IN(KEY_LIMITS, "limits", "cpus"), .kind = KIND_FRACTION, .type = "number",
		.least = 10, .most = 1024000, AT(job.process.limits.cpus_milli),
		.summary = "processors that the job may use at a time, as in 0.5; needs a control "
			   "group"},
	[KEY_CORE] = {IN(KEY_LIMITS, "limits", "core"), SIZE, AT(job.process.limits.core),
		.summary = "largest core file"},

	[KEY_VERIFY] = {JOB("verify"), OBJECT, .is_job_only = true,
		.summary = "asks whether an app is up, in place of a command; see `belfry verify`"},
	[KEY_VERIFY_URL] = {IN(KEY_VERIFY, "verify", "url"), TEXT, .is_job_only = true,
		.is_expanded = true, .rule = RULE_URL, .least = 1,
		AT(verify.url), SHOWN(verify.url_shown),
		.summary = "http:// or https:// address that is asked"},
	[KEY_VERIFY_FLY] = {IN(KEY_VERIFY, "verify", "fly"), TEXT, .is_job_only = true,
		.least = 1, AT(verify.fly),
		.summary = "name of an app on Fly, whose Machines are asked for"},
	[KEY_VERIFY_STATUS] = {IN(KEY_VERIFY, "verify", "expect_status"), .kind = KIND_STATUS,
		.type = "status or class of them", .is_job_only = true, .least = 100, .most = 599,
		AT(verify.expect_status), .default_json = "200",
		.summary = "the status that is right, or a class such as \"2xx\""},
	[KEY_VERIFY_TEXT] = {IN(KEY_VERIFY, "verify", "expect_text"), TEXT, .is_job_only = true,
		.least = 1, AT(verify.expect_text),
		.summary = "what the answer has to contain"},
	[KEY_VERIFY_WITHIN] = {IN(KEY_VERIFY, "verify", "within"), DURATION, .is_job_only = true,
		AT(verify.within_ms), .default_json = "\"0s\"",
		.summary = "asks again and again until it is up, for so long; 0s: once"},

	[KEY_DOCKER] = {JOB("docker"), OBJECT, .is_job_only = true,
		.summary = "runs it in a container; checked, but not in this build yet"},
	[KEY_DOCKER_IMAGE] = {IN(KEY_DOCKER, "docker", "image"), TEXT, .is_required = true,
		.is_job_only = true, .is_expanded = true, .least = 1, .summary = "image to run"},
	[KEY_DOCKER_NETWORK] = {IN(KEY_DOCKER, "docker", "network"), TEXT, .is_job_only = true,
		.is_expanded = true, .least = 1, .summary = "network to join"},
	[KEY_DOCKER_VOLUMES] = {IN(KEY_DOCKER, "docker", "volumes"), TEXTS, .is_job_only = true,
		.is_expanded = true, .least = 1, .summary = "volumes, as in \"/data:/data:ro\""},
	[KEY_FLY] = {JOB("fly"), OBJECT, .is_job_only = true,
		.summary = "runs it in a Fly Machine"},
	[KEY_FLY_APP] = {IN(KEY_FLY, "fly", "app"), TEXT, .is_required = true, .is_job_only = true,
		.is_expanded = true, .least = 1, .summary = "app to run it in"},
	[KEY_FLY_REGION] = {IN(KEY_FLY, "fly", "region"), TEXT, .is_job_only = true,
		.is_expanded = true, .least = 1, .summary = "region, as in \"cdg\"; several, as in \"cdg, ams\", where the first has no room"},
	[KEY_FLY_IMAGE] = {IN(KEY_FLY, "fly", "image"), TEXT, .is_job_only = true,
		.is_expanded = true, .least = 1,
		.summary = "image to run; \"current\" is the app's own"},
	[KEY_FLY_GUEST] = {IN(KEY_FLY, "fly", "guest"), .kind = KIND_ANY, .is_job_only = true,
		.type = "object, passed through",
		.summary = "size of the Machine, as Fly's API has it"},
	[KEY_FLY_CONFIG] = {IN(KEY_FLY, "fly", "config"), .kind = KIND_ANY, .is_job_only = true,
		.type = "object, passed through",
		.summary = "the Machine's config, as Fly's API has it"},
	[KEY_FLY_GROUP] = {IN(KEY_FLY, "fly", "process_group"), TEXT, .is_job_only = true,
		.is_expanded = true, .least = 1,
		.summary = "process group of the app whose image is \"current\"; any if absent"},
	[KEY_FLY_NATIVE] = {IN(KEY_FLY, "fly", "native"), .kind = KIND_SWITCH, .is_job_only = true,
		AT(is_native), .type = "true or false", .default_json = "false",
		.summary = "Fly's own schedule starts it, and not belfry; see `belfry fly`"},
	[KEY_APP_NAME] = {JOB("app_name"), TEXT, .is_job_only = true, .is_expanded = true,
		.least = 1, .summary = "cron-manager's word for fly.app"},
	[KEY_REGION] = {JOB("region"), TEXT, .is_job_only = true, .is_expanded = true,
		.summary = "cron-manager's word for fly.region"},
	[KEY_CONFIG] = {JOB("config"), .kind = KIND_ANY, .type = "object, passed through",
		.is_job_only = true, .summary = "cron-manager's word for fly.config"},
	[KEY_HTTP] = {JOB("http"), OBJECT, .is_job_only = true,
		.summary = "calls a URL; checked, but not in this build yet"},
	[KEY_URL] = {IN(KEY_HTTP, "http", "url"), TEXT, .is_required = true, .is_job_only = true,
		.is_expanded = true, .rule = RULE_URL, .least = 1,
		.summary = "http:// or https:// address"},
	[KEY_METHOD] = {IN(KEY_HTTP, "http", "method"), .kind = KIND_WORD, .is_job_only = true,
		.words = methods, .type = "one of GET, HEAD, POST, PUT, PATCH, DELETE",
		.summary = "request method; POST if absent"},
	[KEY_HEADERS] = {IN(KEY_HTTP, "http", "headers"), .kind = KIND_MAP, .is_job_only = true,
		.is_expanded = true, .rule = RULE_HEADER, .type = "object of texts",
		.summary = "request headers"},
	[KEY_BODY] = {IN(KEY_HTTP, "http", "body"), TEXT, .is_job_only = true, .is_expanded = true,
		.summary = "request body"},
	[KEY_EXPECT] = {IN(KEY_HTTP, "http", "expect"), .kind = KIND_INTEGERS, .is_job_only = true,
		.least = 100, .most = 599, .type = "list of whole numbers",
		.summary = "status codes that mean success; else 200 to 299"},
};
/* clang-format on */

enum key key_find(enum key parent, const struct json_reader *r, struct json_piece name)
{
	for (int i = (int)parent + 1; i < KEY_COUNT; i++)
		if (keys[i].parent == parent && json_piece_equals(r, name, keys[i].name))
			return (enum key)i;
	return KEY_NONE;
}

const char *key_nearest(enum key parent, bool in_defaults, const char *name)
{
	const char *names[KEY_COUNT];
	size_t count = 0;

	for (int i = (int)parent + 1; i < KEY_COUNT; i++)
		if (keys[i].parent == parent && !(in_defaults && keys[i].is_job_only))
			names[count++] = keys[i].name;
	return str_nearest(name, names, count);
}

unsigned kind_takes(enum key_kind kind)
{
	enum {
		OBJ = 1u << JSON_OBJECT,
		ARR = 1u << JSON_ARRAY,
		STR = 1u << JSON_STRING,
		NUM = 1u << JSON_NUMBER,
		BOOL = 1u << JSON_BOOL
	};
	static const unsigned takes[KIND_COUNT] = {
		[KIND_TEXT] = STR,
		[KIND_ZONE] = STR,
		[KIND_FRACTION] = NUM,
		[KIND_DURATION] = STR | NUM,
		[KIND_INTEGER] = NUM,
		[KIND_SIZE] = STR | NUM,
		[KIND_SWITCH] = BOOL,
		[KIND_WORD] = STR,
		[KIND_OUTCOMES] = ARR,
		[KIND_TEXTS] = ARR,
		[KIND_NAMES] = ARR | STR,
		[KIND_INTEGERS] = ARR | NUM,
		[KIND_MAP] = OBJ,
		[KIND_UMASK] = STR,
		[KIND_STATUS] = STR | NUM,
		[KIND_COMMAND] = STR | ARR,
		[KIND_SCHEDULE] = STR | OBJ,
		[KIND_CALENDAR] = STR | NUM | ARR,
		[KIND_OBJECT] = OBJ,
		[KIND_ANY] = OBJ,
		[KIND_DEFAULTS] = OBJ,
		[KIND_JOBS] = ARR,
	};

	return takes[kind];
}

/* What is taken from the environment says so in its type. */
static const char *full_type(const struct key_row *row)
{
	static char texts[KEY_COUNT][TYPE_MAX];

	if (!row->is_expanded)
		return row->type;
	snprintf(texts[row - keys], TYPE_MAX, "%s, with ${NAME}", row->type);
	return texts[row - keys];
}

/* The default as one would say it: 10s, and not "10s". */
static const char *shown_default(const struct key_row *row)
{
	static char texts[KEY_COUNT][TYPE_MAX];
	char *out = texts[row - keys];

	if (!row->default_json)
		return NULL;
	for (const char *c = row->default_json; *c; c++)
		if (!strchr("[]\"", *c))
			*out++ = *c;
	*out = '\0';
	return texts[row - keys];
}

size_t config_keys(const struct key_info **rows)
{
	static struct key_info infos[KEY_COUNT];

	for (int i = KEY_SCHEMA; i < KEY_COUNT; i++)
		infos[i - 1] = (struct key_info){
			.path = keys[i].path,
			.type = full_type(&keys[i]),
			.default_text = shown_default(&keys[i]),
			.summary = keys[i].summary,
			.required = keys[i].is_required,
		};
	*rows = infos;
	return KEY_COUNT - 1;
}

/* Rules of texts. */

static bool is_met_always(const char *text)
{
	(void)text;
	return true;
}

static bool is_name(const char *text)
{
	size_t length = strlen(text);

	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f || *c == '/')
			return false;
	return length > 0 && text[0] != ' ' && text[length - 1] != ' ';
}

static bool is_url(const char *text)
{
	return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0 ||
	       strncmp(text, "${", 2) == 0;
}

static bool is_env_name(const char *text)
{
	return *text && !strchr(text, '=');
}

/* A token of RFC 9110. */
static bool is_header(const char *text)
{
	for (const char *c = text; *c; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
		      (*c >= '0' && *c <= '9') || strchr("!#$%&'*+-.^_`|~", *c)))
			return false;
	return *text != '\0';
}

#define DATE "[0-9]{4}-[0-9]{2}-[0-9]{2}"
const struct rule_row text_rules[RULE_COUNT] = {
	[RULE_NONE] = {NULL, "", is_met_always},
	[RULE_NAME] = {"^(?! )[^\\u0000-\\u001f\\u007f/]+(?<! )$",
		       "a name without control characters, / and outer spaces", is_name},
	/* Read by the schedule's own parser, which says what is wrong. */
	[RULE_MOMENT] = {"^" DATE "([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?"
			 "([Zz]|[+-][0-9]{2}:[0-9]{2})?)?$",
			 "", is_met_always},
	[RULE_EXCEPTION] = {"^(" DATE "(/" DATE ")?|[0-9]{2}-[0-9]{2})$", "", is_met_always},
	[RULE_URL] = {"^(https?://|\\$\\{)", "an address that begins with http:// or https://",
		      is_url},
	[RULE_ENV_NAME] = {"^[^=]+$",
			   "the name of an environment variable, without =", is_env_name},
	[RULE_HEADER] = {"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", "the name of an HTTP header", is_header},
};

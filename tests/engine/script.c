/*
 * script.c - runs engine scripts: at this time, this happens, expect these effects.
 *
 * A script is a text file of lines:
 *	past UTC [epoch=N] [fixed=UTC]    what an earlier life left (before the first `jobs`)
 *	open JOB STATE [scheduled=UTC] [attempt=N]    a run it left unfinished
 *	max N                         runs at a time
 *	zone NAME TZ                  from now on its rules are those of the POSIX TZ string
 *	paused JOB [until=UTC]        a pause that it left
 *	jobs [boot] [same] [age=DURATION]    a generation follows, one job a line, up to `end`;
 *	                              changed rules of its zones are that old; `same`: it is
 *	                              no new revision
 *	  NAME | SCHEDULE | tz=NAME key=value …
 *	at UTC                        time goes on to there (both clocks)
 *	set UTC                       the clock is set to there (civil clock only)
 *	trigger JOB [dry]
 *	pause JOB [until=UTC] [by=WORD] [reason=WORD], resume JOB [by=WORD]
 *	next JOB                      when it fires next, by what the API is told
 *	recorded #N|all, conflict #N, started #N, exited #N [code=N] [signal=N] [ended=UTC]
 *[timeout] [failed=N], failed-start #N TEXT, held-up #N TEXT, lost #N TEXT, cancel #N, drain and
 *what is expected since the last expectation, every effect in order: > claim #1 a schedule
 *2026-01-01T00:00:00Z or `> nothing`. Runs are numbered in order of appearance. With UPDATE=1 in
 *the environment the expectations are written anew: read them before you keep them.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "str.h"

enum { RUNS_MAX = 4096, ZONES_MAX = 64 };

struct script {
	const char *path;
	unsigned line;
	struct arena arena;
	struct engine *engine;
	struct engine_past past;
	struct run open[16];
	struct pause pauses[16];
	int32_t max_running;
	struct zone *zones[ZONES_MAX]; /* older ones of a name stay */
	size_t zone_count;
	struct now now;
	struct arena turn;
	struct effects effects;
	uint64_t runs[RUNS_MAX];
	bool is_recorded[RUNS_MAX];
	size_t run_count;
	struct buf got, output;
	int64_t revision;
	size_t failures, checks;
};

static _Noreturn void die(const struct script *script, const char *what)
{
	fprintf(stderr, "%s:%u: %s\n", script->path, script->line, what);
	exit(2);
}

static size_t number_of(struct script *script, uint64_t id)
{
	for (size_t i = 0; i < script->run_count; i++)
		if (script->runs[i] == id)
			return i + 1;
	if (script->run_count == RUNS_MAX)
		die(script, "too many runs");
	script->runs[script->run_count++] = id;
	return script->run_count;
}

static struct utc read_utc(struct script *script, const char *text)
{
	struct utc t;

	if (!utc_parse(text, strlen(text), &t))
		die(script, "bad instant");
	return t;
}

/* ---- what came out, as text ---- */

static void print_occurrence(struct script *script, const struct occurrence *o)
{
	char from[UTC_TEXT_MAX], to[UTC_TEXT_MAX];

	buf_format(&script->got, "%s %s %s %s", occurrence_state_word(o->state), o->job,
		   reason_word(o->reason), utc_format(o->scheduled_at, from));
	if (o->count > 1)
		buf_format(&script->got, " .. %s x%lld", utc_format(o->last_at, to),
			   (long long)o->count);
}

static void print_record(struct script *script, const struct record *record)
{
	char at[UTC_TEXT_MAX];
	struct buf *got = &script->got;
	const struct run *run = &record->run;

	switch (record->kind) {
	case RECORD_CLAIM:
		buf_format(got, "claim #%zu %s %s", number_of(script, run->id), run->job,
			   trigger_word(run->trigger));
		if (utc_is_set(run->scheduled_at))
			buf_format(got, " %s", utc_format(run->scheduled_at, at));
		if (run->dry_run)
			buf_text(got, " dry");
		break;
	case RECORD_RUN:
		buf_format(got, "run #%zu %s", number_of(script, run->id),
			   run_state_word(run->state));
		if (run->outcome != OUTCOME_NONE)
			buf_format(got, " %s", outcome_word(run->outcome));
		if (run->state == RUN_BACKOFF)
			buf_format(got, " attempt %d", run->attempt);
		if (run->message)
			buf_format(got, " (%s)", run->message);
		break;
	case RECORD_ATTEMPT:
		buf_format(got, "attempt #%zu.%d %s", number_of(script, record->attempt.run),
			   record->attempt.number, outcome_word(record->attempt.outcome));
		break;
	case RECORD_OCCURRENCE: print_occurrence(script, &record->occurrence); break;
	case RECORD_EVALUATED:
		buf_format(got, "evaluated %s", utc_format(record->evaluated.until, at));
		break;
	case RECORD_EPOCH: buf_format(got, "epoch %d", record->evaluated.epoch); break;
	case RECORD_PAUSE:
	case RECORD_RESUME:
		buf_format(got, "%s %s", record->kind == RECORD_PAUSE ? "pause" : "resume",
			   record->pause.job);
		break;
	case RECORD_RENAME:
		buf_format(got, "rename %s -> %s", record->rename.from, record->rename.to);
		break;
	case RECORD_LOG:
	case RECORD_TOKEN:
	case RECORD_AUDIT:
	case RECORD_DOWNTIME:
	case RECORD_LEFT:
	case RECORD_REVISION: buf_text(got, "an engine must not record this"); break;
	}
	buf_char(got, '\n');
}

/* With its time where that is not the job's own timeout. */
static void print_start(struct script *script, const struct effect *effect)
{
	char text[DURATION_TEXT_MAX];

	buf_format(&script->got, "start #%zu.%d %s", number_of(script, effect->run.id),
		   effect->run.attempt, effect->job->name);
	if (effect->timeout_ms != effect->job->timeout_ms)
		buf_format(&script->got, " for %s", str_duration_format(effect->timeout_ms, text));
	buf_char(&script->got, '\n');
}

static void print_effects(struct script *script)
{
	for (size_t i = 0; i < script->effects.count; i++) {
		const struct effect *effect = &script->effects.items[i];

		switch (effect->kind) {
		case EFFECT_RECORD: print_record(script, &effect->record); break;
		case EFFECT_START: print_start(script, effect); break;
		case EFFECT_STOP:
			buf_format(&script->got, "stop #%zu grace %llds\n",
				   number_of(script, effect->run.id),
				   (long long)effect->grace_ms / 1000);
			break;
		case EFFECT_FORGET:
			buf_format(&script->got, "forget #%zu\n",
				   number_of(script, effect->run.id));
			break;
		case EFFECT_TELL: buf_format(&script->got, "tell %s\n", effect->text); break;
		}
	}
	arena_reset(&script->turn);
	script->effects = (struct effects){.arena = &script->turn};
}

static void step(struct script *script, struct event *event)
{
	if (!script->engine) {
		script->past.open_runs = script->open;
		script->past.pauses = script->pauses;
		script->engine =
			engine_create(&(struct engine_options){.max_running = script->max_running},
				      &script->past);
	}
	engine_step(script->engine, script->now, event, &script->effects);
	bool is_pause = event->kind == EVENT_PAUSE || event->kind == EVENT_RESUME;
	if ((event->kind == EVENT_TRIGGER && event->run == 0) || (is_pause && event->message))
		buf_format(&script->got, "refused %s\n", event->message);
	print_effects(script);
}

/* ---- what goes in ---- */

/* The value behind "key=" among the words, or NULL. */
static char *option(struct script *script, const char *words, const char *key)
{
	char *copy = arena_text(&script->arena, words), *save;
	size_t length = strlen(key);

	for (char *word = strtok_r(copy, " \t", &save); word; word = strtok_r(NULL, " \t", &save))
		if (strncmp(word, key, length) == 0 && word[length] == '=')
			return word + length + 1;
	return NULL;
}

static int64_t duration(struct script *script, const char *words, const char *key,
			int64_t otherwise)
{
	const char *text = option(script, words, key);
	int64_t ms;

	if (!text)
		return otherwise;
	if (!str_duration(text, strlen(text), &ms))
		die(script, "bad duration");
	return ms;
}

/* A zone that is nothing but its footer. */
static void read_zone(struct script *script, const char *rest)
{
	/* A header that counts one local time and four bytes of names, and these. */
	static const char block[54] = {
		'T', 'Z', 'i', 'f', '2', [39] = 1, [43] = 4, [50] = 'U', 'T', 'C'};
	char name[64], rule[64];
	struct buf file = {0};
	struct err err;

	if (sscanf(rest, "%63s %63s", name, rule) != 2)
		die(script, "zone NAME TZ");
	if (script->zone_count == ZONES_MAX)
		die(script, "too many zones");
	buf_add(&file, block, sizeof(block));
	buf_add(&file, block, sizeof(block));
	buf_format(&file, "\n%s\n", rule);
	struct zone *zone = zone_create(name, file.data, file.length, &err);
	buf_finish(&file);
	if (!zone)
		die(script, err.text);
	script->zones[script->zone_count++] = zone;
}

/* The latest of its name; NULL, which is UTC, without a name. */
static const struct zone *find_zone(const struct script *script, const char *name)
{
	for (size_t i = script->zone_count; name && i-- > 0;)
		if (strcmp(zone_name(script->zones[i]), name) == 0)
			return script->zones[i];
	if (name)
		die(script, "no such zone");
	return NULL;
}

/* on=failed,unknown */
static unsigned read_outcomes(struct script *script, char *words)
{
	unsigned on = 0;
	enum outcome outcome;
	char *save;

	for (char *word = strtok_r(words, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		if (!outcome_from_word(word, &outcome))
			die(script, "bad outcome");
		on |= 1u << outcome;
	}
	return on;
}

/* was=a,b */
static void read_was(struct script *script, struct job *job, char *names)
{
	const char **items = arena_array(&script->arena, const char *, 9);
	char *save;

	job->was.items = items;
	for (char *name = names ? strtok_r(names, ",", &save) : NULL; name && job->was.count < 8;
	     name = strtok_r(NULL, ",", &save))
		items[job->was.count++] = name;
}

static void set_policies(struct script *script, struct job *job, const char *words)
{
	char *text;

	job->enabled = !option(script, words, "disabled");
	job->timeout_ms = duration(script, words, "timeout", 0);
	job->grace_ms = duration(script, words, "grace", 10000);
	job->deadline_ms = duration(script, words, "deadline", 0);
	job->priority = (text = option(script, words, "priority")) ? atoi(text) : 0;
	job->group = option(script, words, "group");
	job->group_limit = (text = option(script, words, "group_limit")) ? atoi(text) : 1;
	read_was(script, job, option(script, words, "was"));
	job->catchup_window_ms = duration(script, words, "window", 3600000);
	job->retry.attempts = (text = option(script, words, "attempts")) ? atoi(text) : 1;
	job->retry.backoff_ms = duration(script, words, "backoff", 10000);
	job->retry.max_backoff_ms = duration(script, words, "max_backoff", 600000);
	job->retry.on = 1u << OUTCOME_FAILED | 1u << OUTCOME_TIMED_OUT;
	if ((text = option(script, words, "executor")) &&
	    !executor_kind_from_word(text, &job->executor))
		die(script, "bad executor");
	if ((text = option(script, words, "on")))
		job->retry.on = read_outcomes(script, text);
	if ((text = option(script, words, "overlap")) && !overlap_from_word(text, &job->overlap))
		die(script, "bad overlap");
	if ((text = option(script, words, "catchup")) && !catchup_from_word(text, &job->catchup))
		die(script, "bad catchup");
	if ((text = option(script, words, "partial"))) {
		uint8_t *code = arena_new(&script->arena, uint8_t);

		*code = (uint8_t)atoi(text);
		job->partial_codes.items = code;
		job->partial_codes.count = 1;
	}
}

static char *trim(char *text)
{
	while (*text == ' ' || *text == '\t')
		text++;
	size_t length = strlen(text);
	while (length && (text[length - 1] == ' ' || text[length - 1] == '\t'))
		text[--length] = '\0';
	return text;
}

static void read_job(struct script *script, char *line, struct job *job)
{
	char *save;
	char *name = strtok_r(line, "|", &save), *text = strtok_r(NULL, "|", &save);
	char *words = strtok_r(NULL, "|", &save);
	struct schedule_error error;

	if (!name || !text)
		die(script, "a job is NAME | SCHEDULE | options");
	words = words ? trim(words) : (char[]){""};
	job->name = arena_text(&script->arena, trim(name));
	job->schedule_text = arena_text(&script->arena, trim(text));
	struct schedule_context context = {.job_name = job->name,
					   .zone = find_zone(script, option(script, words, "tz")),
					   .jitter_ms = duration(script, words, "jitter", 0)};
	if (schedule_parse_cron(&script->arena, job->schedule_text, strlen(job->schedule_text),
				&context, &job->schedule, &error, 1))
		die(script, error.message);
	set_policies(script, job, words);
	const char *zone = zone_name(schedule_zone(job->schedule));
	job->schedule_hash =
		str_hash(STR_HASH_INIT, job->schedule_text, strlen(job->schedule_text));
	job->schedule_hash = str_hash(job->schedule_hash, zone, strlen(zone));
	job->schedule_hash = str_hash(job->schedule_hash, job->name, strlen(job->name));
	job->hash = str_hash(job->schedule_hash, words, strlen(words));
}

/* A run of an earlier life, or of another node. */
static struct run read_run(struct script *script, const char *rest, uint64_t id)
{
	char job[64], state[32];
	const char *text;

	if (sscanf(rest, "%63s %31s", job, state) != 2)
		die(script, "JOB STATE");
	struct run run = {.id = id,
			  .job = arena_text(&script->arena, job),
			  .trigger = TRIGGER_SCHEDULE,
			  .attempt = 1,
			  .scheduled_at = UTC_NONE,
			  .started_at = UTC_NONE,
			  .finished_at = UTC_NONE};
	if (!run_state_from_word(state, &run.state))
		die(script, "bad state");
	if ((text = option(script, rest, "scheduled")))
		run.scheduled_at = read_utc(script, text);
	if ((text = option(script, rest, "attempt")))
		run.attempt = atoi(text);
	number_of(script, run.id);
	return run;
}

static void read_open(struct script *script, const char *rest)
{
	size_t at = script->past.open_count++;

	assert(script->past.open_count <= 16);
	script->open[at] = read_run(script, rest, script->past.open_count);
}

/* "taken JOB STATE", "handed JOB claimed": from another node, while this one lives; as if
 * claimed there just now, by its id. */
static void read_taken(struct script *script, const char *rest, enum event_kind kind)
{
	uint64_t id = run_id_next(0, script->now.utc, 1) + script->run_count;
	struct run run = read_run(script, rest, id);

	script->is_recorded[script->run_count - 1] = true;
	step(script, &(struct event){.kind = kind, .taken = &run});
}

static void read_exit(struct script *script, struct event *event, const char *rest)
{
	const char *text;

	event->end = (struct attempt_end){.started_at = script->now.utc,
					  .finished_at = script->now.utc,
					  .processed = -1,
					  .failed = -1,
					  .cpu_ms = -1,
					  .max_rss_kib = -1};
	event->end.exit_code = (text = option(script, rest, "code")) ? atoi(text) : 0;
	if ((text = option(script, rest, "signal"))) {
		event->end.signal = atoi(text);
		event->end.exit_code = -1;
	}
	if ((text = option(script, rest, "ended")))
		event->end.finished_at = read_utc(script, text);
	event->end.timed_out = strstr(rest, "timeout") != NULL;
	if ((text = option(script, rest, "failed"))) {
		event->end.has_result = true;
		event->end.processed = 10;
		event->end.failed = atoi(text);
	}
}

/* Words that are an event about a run: "started #1 …". */
static bool run_event(struct script *script, const char *word, const char *rest)
{
	static const struct {
		const char *word;
		enum event_kind kind;
		bool is_passing;
	} kinds[] = {
		{"recorded", EVENT_RECORDED},
		{"conflict", EVENT_CLAIM_LOST},
		{"started", EVENT_STARTED},
		{"exited", EVENT_EXITED},
		{"failed-start", EVENT_START_FAILED},
		{"held-up", EVENT_START_FAILED, .is_passing = true},
		{"lost", EVENT_LOST},
		{"cancel", EVENT_CANCEL},
	};
	size_t number = 0;
	char *text = NULL;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].word, word) != 0)
			continue;
		if (rest[0] != '#' || (number = strtoul(rest + 1, &text, 10)) == 0 ||
		    number > script->run_count)
			die(script, "which run? #N");
		const struct run *run = engine_find_run(script->engine, script->runs[number - 1]);
		struct event event = {.kind = kinds[i].kind,
				      .run = script->runs[number - 1],
				      .attempt = run ? run->attempt : 1,
				      .at = script->now.utc,
				      .is_passing = kinds[i].is_passing,
				      .message = *text ? text + 1 : NULL};
		if (event.kind == EVENT_EXITED)
			read_exit(script, &event, text);
		script->is_recorded[number - 1] |= event.kind == EVENT_RECORDED;
		step(script, &event);
		if (event.kind == EVENT_RECORDED)
			step(script, &(struct event){.kind = EVENT_TICK});
		return true;
	}
	return false;
}

static void record_all(struct script *script)
{
	for (size_t i = 0; i < script->run_count; i++) {
		if (script->is_recorded[i])
			continue;
		script->is_recorded[i] = true;
		step(script, &(struct event){.kind = EVENT_RECORDED, .run = script->runs[i]});
	}
	step(script, &(struct event){.kind = EVENT_TICK}); /* as the daemon's turn does */
}

static void trigger(struct script *script, const char *rest)
{
	char job[64] = "", dry[8] = "";

	if (sscanf(rest, "%63s %7s", job, dry) < 1)
		die(script, "trigger JOB");
	step(script, &(struct event){.kind = EVENT_TRIGGER, .job = job, .dry_run = *dry != 0});
}

static struct pause read_pause(struct script *script, const char *rest)
{
	char *name = arena_text(&script->arena, rest);
	const char *until = option(script, rest, "until");

	name[strcspn(name, " ")] = '\0';
	return (struct pause){.job = name,
			      .since = script->now.utc,
			      .until = until ? read_utc(script, until) : UTC_NONE,
			      .reason = option(script, rest, "reason"),
			      .by = option(script, rest, "by")};
}

static void pause_line(struct script *script, const char *word, const char *rest)
{
	struct pause pause = read_pause(script, rest);

	if (strcmp(word, "paused") == 0) {
		assert(script->past.pause_count < 16);
		script->pauses[script->past.pause_count++] = pause;
		return;
	}
	step(script,
	     &(struct event){.kind = strcmp(word, "pause") == 0 ? EVENT_PAUSE : EVENT_RESUME,
			     .job = pause.job,
			     .pause = pause});
}

static void next_line(struct script *script, const char *job)
{
	struct utc at;
	char text[UTC_TEXT_MAX];
	bool fires = engine_next_fire(script->engine, job, &at);

	buf_format(&script->got, "next %s\n", fires ? utc_format(at, text) : "never");
}

static void run_line(struct script *script, char *line)
{
	char *rest = line + strcspn(line, " \t");

	if (*rest)
		*rest++ = '\0';
	rest = trim(rest);
	if (strcmp(line, "past") == 0) {
		char at[64];
		const char *epoch = option(script, rest, "epoch");

		if (sscanf(rest, "%63s", at) != 1)
			die(script, "past UTC");
		script->past.evaluated_until = read_utc(script, at);
		script->past.epoch = epoch ? atoi(epoch) : 0;
		if ((epoch = option(script, rest, "fixed")))
			script->past.fixed_until = read_utc(script, epoch);
	} else if (strcmp(line, "open") == 0) {
		read_open(script, rest);
	} else if (strcmp(line, "taken") == 0) {
		read_taken(script, rest, EVENT_TAKEN_OVER);
	} else if (strcmp(line, "handed") == 0) {
		read_taken(script, rest, EVENT_HANDED);
	} else if (strcmp(line, "zone") == 0) {
		read_zone(script, rest);
	} else if (strcmp(line, "max") == 0) {
		script->max_running = atoi(rest);
	} else if (strcmp(line, "at") == 0) {
		struct utc to = read_utc(script, rest);

		script->now.mono.ms += to.ms - script->now.utc.ms;
		script->now.utc = to;
		if (script->engine)
			step(script, &(struct event){.kind = EVENT_TICK});
	} else if (strcmp(line, "set") == 0) {
		script->now.utc = read_utc(script, rest);
		step(script, &(struct event){.kind = EVENT_TICK});
	} else if (strcmp(line, "trigger") == 0) {
		trigger(script, rest);
	} else if (strcmp(line, "pause") == 0 || strcmp(line, "resume") == 0 ||
		   strcmp(line, "paused") == 0) {
		pause_line(script, line, rest);
	} else if (strcmp(line, "next") == 0) {
		next_line(script, rest);
	} else if (strcmp(line, "drain") == 0) {
		step(script, &(struct event){.kind = EVENT_DRAIN});
	} else if (strcmp(line, "recorded") == 0 && strcmp(rest, "all") == 0) {
		record_all(script);
	} else if (!run_event(script, line, rest)) {
		die(script, "no such line");
	}
}

/* ---- the file ---- */

static void read_jobs(struct script *script, FILE *file, const char *words)
{
	struct job *jobs = arena_array(&script->arena, struct job, 64);
	size_t count = 0;
	char line[1024];

	while (fgets(line, sizeof(line), file)) {
		script->line++;
		buf_text(&script->output, line);
		line[strcspn(line, "\n")] = '\0';
		if (strcmp(trim(line), "end") == 0)
			break;
		assert(count < 64);
		read_job(script, trim(line), &jobs[count++]);
	}
	step(script, &(struct event){.kind = EVENT_CONFIG,
				     .is_new_revision = !strstr(words, "same"),
				     .jobs = jobs,
				     .job_count = count,
				     .revision = ++script->revision,
				     .is_boot = strstr(words, "boot") != NULL,
				     .rules_age_ms = duration(script, words, "age", 0)});
}

static void check(struct script *script, const char *expected, unsigned line)
{
	const char *got = script->got.length ? script->got.data : "nothing\n";

	script->checks++;
	if (strcmp(got, expected) != 0) {
		script->failures++;
		fprintf(stderr, "%s:%u:\nexpected:\n%sgot:\n%s", script->path, line, expected, got);
	}
	for (const char *at = got; *at;) {
		size_t length = strcspn(at, "\n") + 1;

		buf_format(&script->output, "> %.*s", (int)length, at);
		at += length;
	}
	buf_clear(&script->got);
}

static void run_file(struct script *script, FILE *file)
{
	struct buf expected = {0};
	unsigned first = 0;
	char line[1024];
	bool more;

	do {
		more = fgets(line, sizeof(line), file) != NULL;
		script->line++;
		if (more && strncmp(line, "> ", 2) == 0) {
			if (!expected.length)
				first = script->line;
			buf_text(&expected, line + 2);
			continue;
		}
		if (expected.length) {
			check(script, buf_string(&expected), first);
			buf_clear(&expected);
		}
		if (!more)
			break;
		buf_text(&script->output, line);
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "jobs", 4) == 0 && (!line[4] || line[4] == ' '))
			read_jobs(script, file, arena_text(&script->arena, line + 4));
		else if (*line && *line != '#')
			run_line(script, line);
	} while (more);
	if (script->got.length) {
		fprintf(stderr, "%s: effects at the end that no line expects:\n%s", script->path,
			script->got.data);
		script->failures++;
	}
	buf_finish(&expected);
}

int main(int argc, char **argv)
{
	assert(argc == 2);
	struct script *script = mem_alloc(sizeof(*script));
	FILE *file = fopen(argv[1], "r");

	assert(file);
	script->path = argv[1];
	script->max_running = 256;
	script->past.evaluated_until = script->past.fixed_until = UTC_NONE;
	script->effects.arena = &script->turn;
	run_file(script, file);
	fclose(file);
	if (getenv("UPDATE") && (file = fopen(argv[1], "w"))) {
		fputs(buf_string(&script->output), file);
		fclose(file);
	}
	size_t failures = script->failures, checks = script->checks;
	engine_destroy(script->engine);
	for (size_t i = 0; i < script->zone_count; i++)
		zone_destroy(script->zones[i]);
	arena_finish(&script->arena);
	arena_finish(&script->turn);
	buf_finish(&script->got);
	buf_finish(&script->output);
	free(script);
	printf("%zu checks, %zu failed\n", checks, failures);
	return failures || !checks ? 1 : 0;
}

/*
 * reload.c - schedules.json: read at boot, on SIGHUP and when it changes; or the
 * revision that was applied last.
 *
 * A good file becomes a revision and a new generation of jobs; a bad one is told
 * and changes nothing. Changed rules of zones make a generation of the same revision.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "internal.h"
#include "log.h"

/* An editor's save is several events; they become one reload. */
enum { SETTLE_MS = 100, FINDINGS_TOLD = 20 };

static const char *environment(void *context, const char *name)
{
	(void)context;
	return getenv(name);
}

static void tell_findings(const char *path, const struct findings *findings)
{
	size_t told = 0;

	for (size_t i = 0; i < findings->count && told < FINDINGS_TOLD; i++) {
		const struct finding *f = &findings->items[i];

		if (f->severity == SEVERITY_WARNING && findings->errors > 0)
			continue;
		log_event(f->severity == SEVERITY_ERROR ? LOG_ERROR : LOG_WARN,
			  (struct log_about){.job = f->job}, "%s:%u:%u: %s%s%s", path, f->line,
			  f->column, f->path, *f->path ? ": " : "", f->message);
		told++;
	}
	if (findings->count > told)
		log_info("`belfry check %s` shows all %zu findings", path,
			 findings->count + findings->suppressed);
}

/* What /health tells: the errors, a line each. */
static void keep_errors(struct buf *text, const char *path, const struct findings *findings)
{
	size_t told = 0;

	buf_clear(text);
	for (size_t i = 0; i < findings->count && told < FINDINGS_TOLD; i++) {
		const struct finding *f = &findings->items[i];

		if (f->severity != SEVERITY_ERROR)
			continue;
		buf_format(text, "%s%s:%u:%u: %s%s%s", told++ ? "\n" : "", path, f->line, f->column,
			   f->path, *f->path ? ": " : "", f->message);
	}
}

struct config_world reload_world(const struct daemon *daemon)
{
	return (struct config_world){.zones = zoneinfo_source(daemon->zones),
				     .environment = environment,
				     .now = clock_utc()};
}

/* What the jobs come from, for messages. */
static const char *source_of(const struct daemon *daemon)
{
	return daemon->options->is_managed ? "the applied revision" : daemon->options->config;
}

/* The generation of a text as judged at `now`; NULL and `errors` if it has any. */
static struct config *parse(struct daemon *daemon, const char *text, size_t length, struct utc now,
			    bool is_told, struct buf *errors)
{
	const char *path = source_of(daemon);
	struct arena arena = {0};
	struct findings findings = {.arena = &arena};
	struct config_world world = reload_world(daemon);

	world.now = now;
	struct config *config = config_parse(text, length, &world, &findings);

	if (is_told)
		tell_findings(path, &findings);
	if (!config)
		keep_errors(errors, path, &findings);
	arena_finish(&arena);
	return config;
}

/* Once the store has the text it need not be held in memory too. A node that is out by now
 * cannot tell: what it recorded is dropped. */
static void let_text_go(struct daemon *daemon)
{
	if (daemon->node.is_out || !turn_flush(daemon, clock_now().mono, true))
		return;
	if (!daemon->node.is_out)
		config_forget_text(daemon->config);
}

static void tell_executors(struct daemon *daemon)
{
	for (int kind = 0; kind < EXECUTOR_KIND_COUNT; kind++) {
		struct executor *executor = daemon->executors[kind];

		if (executor && executor->ops->follow)
			executor->ops->follow(executor, daemon->config->jobs,
					      daemon->config->job_count);
	}
}

/* From now on these are the jobs. The old generation dies when nothing that was
 * decided under it is left to do. */
static void put_in_force(struct daemon *daemon, struct config *config, int64_t revision,
			 bool is_boot, int64_t rules_age_ms)
{
	struct config *old = daemon->config;
	bool is_new_revision = revision != daemon->revision;

	daemon->config = config;
	daemon->revision = revision;
	daemon->world.jobs = config->jobs;
	daemon->world.job_count = config->job_count;
	daemon->world.revision = revision;
	turn_step(daemon, &(struct event){.kind = EVENT_CONFIG,
					  .jobs = config->jobs,
					  .job_count = config->job_count,
					  .revision = revision,
					  .is_boot = is_boot && !daemon->node.is_member,
					  .is_new_revision = is_new_revision,
					  .rules_age_ms = rules_age_ms});
	turn_now(daemon);
	daemon->node.owes_boot |= is_boot && daemon->node.is_member;
	config_destroy(old);
	tell_executors(daemon);
	let_text_go(daemon);
	zones_follow(daemon);
	if (daemon->api && is_new_revision)
		api_revision_changed(daemon->api, revision);
}

static void record_revision(struct daemon *daemon, struct config *config, const char *changes,
			    const struct revision_about *about)
{
	struct now now = node_now(daemon);
	struct record record = {.kind = RECORD_REVISION};

	record.revision = (struct revision){
		.number = daemon->revision + 1,
		.applied_at = now.utc,
		.hash = config_hash(config),
		.author = about->author,
		.source = about->source,
		.message = about->message,
		.changes = changes,
		.content = config->text,
		.length = config->length,
	};
	daemon->applied_at = now.utc;
	recorder_add(&daemon->recorder, &record, now.mono);
}

static void tell_end_of_jobs(const struct config *before, const struct config *config)
{
	if (before && before->job_count > 0 && config->job_count == 0)
		log_warn("the file has no jobs any more: %zu job%s gone", before->job_count,
			 before->job_count == 1 ? " is" : "s are");
}

static void tell_changes(int64_t revision, size_t changed, size_t jobs, const char *why)
{
	log_info("revision %lld in force (%s): %zu job%s, %zu changed", (long long)revision, why,
		 jobs, jobs == 1 ? "" : "s", changed);
}

static void take(struct daemon *daemon, struct config *config, const struct revision_about *about,
		 bool is_boot)
{
	struct buf changes = {0};
	size_t changed = config_changes(daemon->config, config, &changes);

	record_revision(daemon, config, buf_string(&changes), about);
	buf_finish(&changes);
	tell_end_of_jobs(daemon->config, config);
	buf_clear(&daemon->config_error);
	put_in_force(daemon, config, daemon->revision + 1, is_boot, 0);
	tell_changes(daemon->revision, changed, config->job_count, about->why);
}

void reload_take(struct daemon *daemon, struct config *config, const struct revision_about *about)
{
	take(daemon, config, about, false);
}

/* The file's own: who runs belfry is its author, as far as anybody knows. */
static void take_file(struct daemon *daemon, struct config *config, const char *why, bool is_boot)
{
	const char *user = getenv("USER");
	char author[256], host[128] = "";

	if (gethostname(host, sizeof(host) - 1) != 0)
		host[0] = '\0';
	snprintf(author, sizeof(author), "%s@%s", user ? user : "belfry", host);
	struct revision_about about = {
		.author = author, .source = daemon->options->config, .why = why};
	take(daemon, config, &about, is_boot);
}

/* The revision in force when belfry stopped. NULL and told where its text is none any
 * more: a variable of the environment is gone, or this belfry reads it otherwise. */
static struct config *parse_last(struct daemon *daemon, const struct revision *last)
{
	struct config *config;

	if (last->number == 0)
		return NULL;
	config = parse(daemon, last->content, last->length, last->applied_at, false,
		       &daemon->config_error);
	if (!config)
		log_warn("revision %lld cannot be read any more; what fell due while belfry was "
			 "down is judged by the file as it is now",
			 (long long)last->number);
	return config;
}

static struct config *parse_file(struct daemon *daemon)
{
	const char *path = daemon->options->config;
	char *text = NULL;
	size_t length = 0;
	struct err err;

	if (!config_read(path, &text, &length, &err)) {
		log_error("%s", err.text);
		return NULL;
	}
	struct config *config =
		parse(daemon, text, length, node_now(daemon).utc, true, &daemon->config_error);
	free(text);
	return config;
}

static void refuse_read(struct daemon *daemon, const char *message)
{
	buf_clear(&daemon->config_error);
	buf_text(&daemon->config_error, message);
	log_error("%s; revision %lld stays in force", message, (long long)daemon->revision);
}

static void refuse_empty(struct daemon *daemon)
{
	struct err err;

	err_set(&err, "%s is empty; write {\"jobs\": []} to have no jobs", daemon->options->config);
	refuse_read(daemon, err.text);
}

/* An empty file is legal and has no jobs. In place of one with jobs it is rather an
 * editor or a deploy that has cut the file and not written it yet, or a full disk. */
static bool empties(const struct config *in_force, const char *text, size_t length)
{
	return in_force && in_force->job_count > 0 && strspn(text, " \t\r\n") == length;
}

/* The file is empty, and the last revision was not. */
static bool go_on_with(struct daemon *daemon, struct config *config, int64_t revision)
{
	refuse_empty(daemon);
	if (!config)
		return false;
	put_in_force(daemon, config, revision, true, 0);
	tell_changes(revision, 0, config->job_count, "as before");
	return true;
}

/* Nothing is decided before the file is known to be good. Then the last revision goes
 * first: what fell due while belfry was down is its. */
bool reload_boot(struct daemon *daemon, const struct revision *last)
{
	struct config *fresh = parse_file(daemon);

	if (!fresh)
		return false;
	struct config *config = parse_last(daemon, last);
	bool is_known = config != NULL;
	bool is_same = is_known && config_is_of(config, fresh->text, fresh->length);

	daemon->revision = last->number;
	daemon->applied_at = last->applied_at;
	if (is_same) {
		/* Of the two the fresh one has today's environment. */
		config_destroy(config);
		put_in_force(daemon, fresh, last->number, true, 0);
		node_saw_file(daemon, config_hash(fresh));
		tell_changes(last->number, 0, fresh->job_count, "as before");
		return true;
	}
	if (is_known && !node_is_news(daemon, config_hash(fresh))) {
		config_destroy(fresh);
		put_in_force(daemon, config, last->number, true, 0);
		tell_changes(last->number, 0, config->job_count, "of another node");
		return true;
	}
	if (empties(config, fresh->text, fresh->length) ||
	    (last->number > 0 && !is_known && fresh->is_empty)) {
		config_destroy(fresh);
		return go_on_with(daemon, config, last->number);
	}
	if (is_known)
		put_in_force(daemon, config, last->number, false, 0);
	take_file(daemon, fresh, is_known ? "changed while belfry was down" : "first", true);
	return true;
}

/* A state directory that nothing was applied to yet: the file that was named, or no
 * jobs until something is. */
static bool begin_managed(struct daemon *daemon)
{
	struct arena arena = {0};
	struct findings findings = {.arena = &arena};
	struct config_world world = reload_world(daemon);

	if (daemon->options->config) {
		struct config *first = parse_file(daemon);

		if (first)
			take_file(daemon, first, "first", true);
		return first != NULL;
	}
	put_in_force(daemon, config_parse("", 0, &world, &findings), 0, true, 0);
	log_info("no jobs yet: `belfry apply schedules.json` brings some");
	arena_finish(&arena);
	return true;
}

bool reload_boot_managed(struct daemon *daemon, const struct revision *last)
{
	daemon->revision = last->number;
	daemon->applied_at = last->applied_at;
	if (last->number == 0)
		return begin_managed(daemon);
	struct config *config = parse_last(daemon, last);
	if (!config) {
		log_error("%s", buf_string(&daemon->config_error));
		return false;
	}
	put_in_force(daemon, config, last->number, true, 0);
	tell_changes(last->number, 0, config->job_count, "as applied");
	return true;
}

void reload_file(struct daemon *daemon, const char *why)
{
	const char *path = daemon->options->config;
	char *text = NULL;
	size_t length = 0;
	struct err err;

	if (daemon->is_stopping || daemon->node.is_out)
		return;
	if (daemon->options->is_managed) {
		log_info("%s: jobs come from `belfry apply`, no file is read", why);
		return;
	}
	if (!config_read(path, &text, &length, &err)) {
		refuse_read(daemon, err.text);
		return;
	}
	if (empties(daemon->config, text, length)) {
		refuse_empty(daemon);
		free(text);
		return;
	}
	if (daemon->config && config_is_of(daemon->config, text, length)) {
		buf_clear(&daemon->config_error);
		node_saw_file(daemon, config_hash(daemon->config));
		log_info("%s: nothing changed (%s)", path, why);
		free(text);
		return;
	}
	struct config *config =
		parse(daemon, text, length, node_now(daemon).utc, true, &daemon->config_error);
	free(text);
	if (config && !node_is_news(daemon, config_hash(config)))
		config_destroy(config); /* another node's is in force, which came later */
	else if (config)
		take_file(daemon, config, why, false);
	else
		log_error("%s is refused; revision %lld stays in force", path,
			  (long long)daemon->revision);
}

void reload_boot_jobs(struct daemon *daemon)
{
	turn_step(daemon, &(struct event){.kind = EVENT_CONFIG,
					  .jobs = daemon->config->jobs,
					  .job_count = daemon->config->job_count,
					  .revision = daemon->revision,
					  .is_boot = true});
}

/* The others have none yet, and this node's did not come through. */
static bool take_first(struct daemon *daemon)
{
	struct config *config = parse_file(daemon);

	if (config)
		take_file(daemon, config, "first", false);
	return config != NULL;
}

bool reload_rejoin(struct daemon *daemon, const struct revision *last)
{
	struct config *config = parse_last(daemon, last);

	daemon->revision = last->number;
	daemon->applied_at = last->applied_at;
	if (!config && last->number > 0)
		return false;
	if (!config)
		return take_first(daemon);
	put_in_force(daemon, config, last->number, false, 0);
	reload_changed(daemon); /* the file may have changed meanwhile */
	return true;
}

void reload_changed(void *context)
{
	struct daemon *daemon = context;

	loop_timer_start(daemon->reload_timer, SETTLE_MS);
}

void reload_now(void *context)
{
	reload_file(context, "the file changed");
}

struct stored_text {
	int64_t revision;
	struct buf *text;
	bool is_found;
};

static bool on_revision(void *context, const struct revision *revision)
{
	struct stored_text *stored = context;

	stored->is_found = revision->number == stored->revision;
	if (stored->is_found)
		buf_add(stored->text, revision->content, revision->length);
	return false;
}

bool reload_text(struct daemon *daemon, struct buf *text, struct err *err)
{
	const struct config *config = daemon->config;
	struct stored_text stored = {.revision = daemon->revision, .text = text};

	if (config->length == 0)
		return true;
	if (config->text) {
		buf_add(text, config->text, config->length);
		return true;
	}
	if (!store_revisions(daemon->store,
			     &(struct revision_filter){.limit = 1, .with_content = true},
			     on_revision, &stored, err))
		return false;
	return stored.is_found || err_set(err, "revision %lld is not the newest in the store",
					  (long long)daemon->revision);
}

/* False: the store has the text and does not give it now. */
static bool parse_again(struct daemon *daemon, struct config **config)
{
	struct buf *refused = &daemon->zone_watch.refused;
	struct buf text = {0};
	struct err err;
	/* At the beginning of time, as it was judged before: what has fired for the last
	 * time meanwhile is no reason to refuse it. */
	bool ok = reload_text(daemon, &text, &err);

	*config = NULL;
	if (ok) {
		*config = parse(daemon, buf_string(&text), text.length, (struct utc){0}, false,
				refused);
	} else {
		buf_clear(refused);
		buf_text(refused, err.text);
	}
	buf_finish(&text);
	return ok;
}

bool reload_rules(struct daemon *daemon, int64_t age_ms)
{
	struct config *config;

	if (daemon->node.is_out) /* which reads all anew when it joins again */
		return true;
	bool ok = parse_again(daemon, &config);
	if (config)
		put_in_force(daemon, config, daemon->revision, false, age_ms);
	else
		log_error("revision %lld goes on by its zones' old rules, as it cannot follow the "
			  "changed ones: %s",
			  (long long)daemon->revision, buf_string(&daemon->zone_watch.refused));
	return ok;
}

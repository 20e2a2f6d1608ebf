/* internal.h - the daemon's parts, shared by its files and by nobody else. */
#ifndef BELFRY_DAEMON_INTERNAL_H
#define BELFRY_DAEMON_INTERNAL_H

#include "absence.h"
#include "api.h"
#include "config.h"
#include "daemon.h"
#include "engine.h"
#include "exec.h"
#include "http_tls.h"
#include "inbox.h"
#include "loop.h"
#include "metrics.h"
#include "node.h"
#include "recorder.h"
#include "store.h"
#include "zoneinfo.h"

struct daemon {
	const struct serve_options *options;
	int lock; /* of the state directory; -1 before */
	int32_t max_running;

	struct loop *loop;
	struct loop_alarm *alarm; /* the next due instant */
	struct loop_timer *timer; /* the next thing on the monotonic clock */
	struct loop_timer *reload_timer;
	struct loop_timer *prune_timer;
	struct loop_timer *stop_timer;
	struct loop_file *file;
	struct loop_signal *on_term, *on_int, *on_hup, *on_child;

	struct zoneinfo *zones;
	struct config *config;
	int64_t revision;
	struct utc applied_at;   /* of the revision; UTC_NONE: none */
	struct buf config_error; /* of the last refused reload; empty if none */

	struct store *store;
	struct node node; /* of those that share the store */
	struct engine *engine;
	struct inbox inbox;
	struct recorder recorder;
	struct arena turn;
	struct effects effects;
	struct executor *executors[EXECUTOR_KIND_COUNT];
	struct api *api;
	struct token_list {
		struct token *items; /* that may be used */
		size_t count, capacity;
		struct arena arena;
	} tokens;
	int64_t last_audit;
	struct http_tls *tls;
	struct loop_file *tls_files[2];
	struct loop_timer *tls_timer;
	struct api_world world;

	struct mono proved_at; /* when the store last took a write only to see that it does */

	struct absence_watch absence;
	struct metrics metrics;

	bool is_stopping;
	bool is_killing; /* running jobs were asked to end */
	int exit_code;
	struct utc alarm_at;
	struct prune_state {
		const char *const *names; /* of jobs whose history is looked through */
		size_t count, next;
		struct arena arena;
	} prune;
	struct zone_watch {
		struct loop_timer *timer; /* the next look */
		struct loop_folder **folders;
		size_t count;
		bool has_sign; /* something happened in a folder, since: */
		struct mono sign;
		bool owes_rules; /* changed ones are not followed yet, since: */
		struct mono changed;
		bool is_blind;      /* not every folder can be watched, which was told */
		struct buf refused; /* why changed rules are not in force; empty if they are */
	} zone_watch;
};

/* daemon.c */
/* Forgets everything and goes on from the store, as after a restart; tried again later
 * where it fails. */
void daemon_rejoin(struct daemon *daemon);
/* What became of an open run is found out. Torn: it was another node's, and whoever ran
 * it there cannot be asked. */
void daemon_adopt(struct daemon *daemon, const struct run *run, bool is_torn);

/* turn.c: decide and act */
void turn_run(void *context); /* the loop's */
void turn_now(struct daemon *daemon);
/* Steps the engine once, now, and performs; for the few that need the answer. */
void turn_step(struct daemon *daemon, struct event *event);

/* Commits what is due, all with `whole`, and counts how long it took. */
bool turn_flush(struct daemon *daemon, struct mono now, bool whole);

/* reload.c: schedules.json */
/* Whose revision it is and where it comes from. */
struct revision_about {
	const char *author, *source, *message; /* message may be NULL */
	const char *why;                       /* for the log */
};
/* Takes over a generation of another text, which is the daemon's from then on. */
void reload_take(struct daemon *daemon, struct config *config, const struct revision_about *about);
/* The text in force, from memory or the store. */
bool reload_text(struct daemon *daemon, struct buf *text, struct err *err);
/* The world as schedules.json is read in it now. */
struct config_world reload_world(const struct daemon *daemon);
bool reload_boot(struct daemon *daemon, const struct revision *last);
/* The same where jobs come through the API. */
bool reload_boot_managed(struct daemon *daemon, const struct revision *last);
/* @reboot jobs of a node that has joined the others. */
void reload_boot_jobs(struct daemon *daemon);
/* After the lease was lost: the revision that the nodes share by now. */
bool reload_rejoin(struct daemon *daemon, const struct revision *last);
void reload_file(struct daemon *daemon, const char *why);
void reload_changed(void *context); /* the file was touched: soon */
void reload_now(void *context);
/* The text in force once more, by the rules its zones have by now; they hold for
 * age_ms already. False: the text cannot be had now. */
bool reload_rules(struct daemon *daemon, int64_t age_ms);

/* zones.c: changes of the zone files */
void zones_look(void *context);
/* Another generation is in force: its zones are the ones to watch. */
void zones_follow(struct daemon *daemon);
/* What is wrong with the zones in use, a line each; nothing if all is well. */
void zones_trouble(const struct daemon *daemon, struct buf *text);
void zones_finish(struct daemon *daemon);

/* tokens.c: who may ask, and what they did */
/* From the store and the environment. */
bool tokens_load(struct daemon *daemon, struct err *err);
/* A new or a revoked one; true once it is durable and in use. */
bool tokens_put(struct daemon *daemon, const struct token *token);
bool tokens_find_last_audit(struct daemon *daemon, struct err *err);
void tokens_audit(struct daemon *daemon, const struct audit *audit);
void tokens_finish(struct daemon *daemon);

/* apply.c: plans and revisions through the API */
void apply_file(struct daemon *daemon, struct arena *arena, struct api_deploy *deploy);
bool apply_export(struct daemon *daemon, struct buf *out, struct err *err);
/* metrics_text.c: what /metrics answers, a piece at a time */
bool metrics_text(struct daemon *daemon, struct api_metrics_place *place, bool is_openmetrics,
		  struct buf *out);

/* retention.c: old history goes, in small batches */
void retention_run(void *context);

/* shutdown.c: stopping */
void shutdown_begin(struct daemon *daemon, const char *why);
void shutdown_check(struct daemon *daemon);
void shutdown_timeout(void *context);

/* descriptors_check.c: the runs that there are descriptors for, at most as many as asked */
bool descriptors_check(const struct serve_options *options, int32_t *max_running, struct err *err);

/* state_dir.c: the state directory and who owns it */
bool state_dir_take(const char *path, int *lock, struct err *err);

/* doors.c: what the API may ask of the daemon */
/* Whether --listen is an address that may be listened at without tokens. */
bool doors_address(const struct daemon *daemon, struct http_address *address, struct err *err);
/* Listens; nobody is answered before the loop runs. */
bool doors_open(struct daemon *daemon, struct err *err);
void doors_close(struct daemon *daemon);
void doors_announce(const struct daemon *daemon);

#endif

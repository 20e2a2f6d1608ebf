/*
 * zones.c - changes of the zone files under a running daemon.
 *
 * The folders of the zones in use are watched, and the files looked at when
 * something happened there, on SIGHUP, and once a day where nothing tells. Other
 * rules make a new generation of the jobs out of the text in force.
 */
#include <stdlib.h>

#include "clock.h"
#include "internal.h"
#include "log.h"
#include "str.h"

/* An upgrade replaces many files at once; it becomes a few looks. */
enum { SETTLE_MS = 100, RETRY_MS = 10000, DAY_MS = 24 * 3600 * 1000, LOST_TOLD = 20 };

static void on_sign(void *context)
{
	struct zone_watch *watch = &((struct daemon *)context)->zone_watch;

	if (watch->has_sign)
		return;
	watch->has_sign = true;
	watch->sign = clock_now().mono;
	loop_timer_start(watch->timer, SETTLE_MS);
}

static void unwatch(struct zone_watch *watch)
{
	for (size_t i = 0; i < watch->count; i++)
		loop_folder_destroy(watch->folders[i]);
	free(watch->folders);
	watch->folders = NULL;
	watch->count = 0;
}

/* All anew: a folder may have been replaced by another of its name. */
static void watch_folders(struct daemon *daemon)
{
	struct zone_watch *watch = &daemon->zone_watch;
	struct zone_folders folders = {0};
	struct arena arena = {0};
	bool was_blind = watch->is_blind;

	unwatch(watch);
	watch->is_blind = false;
	zoneinfo_folders(daemon->zones, &arena, &folders);
	watch->folders = mem_alloc((folders.count + 1) * sizeof(struct loop_folder *));
	for (size_t i = 0; i < folders.count; i++) {
		struct err err;
		struct loop_folder *folder =
			loop_folder_create(daemon->loop, folders.paths[i], on_sign, daemon, &err);

		if (folder) {
			watch->folders[watch->count++] = folder;
			continue;
		}
		if (!was_blind && !watch->is_blind)
			log_warn("%s; a change of its zones is noticed once a day and on SIGHUP",
				 err.text);
		watch->is_blind = true;
	}
	arena_finish(&arena);
}

/* While changed rules could not be put in force, the zones they came with wait. */
static void sweep(struct daemon *daemon)
{
	const struct config *config = daemon->config;
	const struct zone *last = NULL;

	if (daemon->zone_watch.refused.length)
		return;
	for (size_t i = 0; i < config->job_count; i++) {
		const struct zone *zone = schedule_zone(config->jobs[i].schedule);

		if (zone != last)
			zoneinfo_use(daemon->zones, zone);
		last = zone;
	}
	zoneinfo_sweep(daemon->zones);
}

static size_t count_followers(const struct config *config, const char *zone)
{
	size_t count = 0;

	for (size_t i = 0; i < config->job_count; i++)
		count += str_equal(config->jobs[i].timezone, zone);
	return count;
}

static void tell(void *context, enum zone_news news, const char *name, const char *why)
{
	const struct daemon *daemon = context;
	size_t count = count_followers(daemon->config, name);

	switch (news) {
	case ZONE_CHANGED:
		log_info("zone %s changed: %zu job%s it", name, count,
			 count == 1 ? " follows" : "s follow");
		break;
	case ZONE_LOST:
		log_error("zone %s: %s; its last good rules stay in force", name, why);
		break;
	case ZONE_FOUND: log_info("zone %s: its file is good again", name); break;
	}
}

/* The text that the new rules are for is in the store, which may give it later only. */
static void follow_rules(struct daemon *daemon)
{
	struct zone_watch *watch = &daemon->zone_watch;

	if (reload_rules(daemon, clock_now().mono.ms - watch->changed.ms))
		watch->owes_rules = false;
	else
		loop_timer_start(watch->timer, RETRY_MS);
}

void zones_look(void *context)
{
	struct daemon *daemon = context;
	struct zone_watch *watch = &daemon->zone_watch;
	struct mono sign = watch->has_sign ? watch->sign : clock_now().mono;

	watch->has_sign = false;
	if (daemon->is_stopping)
		return;
	loop_timer_start(watch->timer, DAY_MS);
	sweep(daemon);
	watch_folders(daemon); /* before the look, so that no change falls between */
	if (zoneinfo_look(daemon->zones, tell, daemon) > 0 && !watch->owes_rules) {
		watch->owes_rules = true;
		watch->changed = sign;
	}
	if (watch->owes_rules)
		follow_rules(daemon);
}

void zones_follow(struct daemon *daemon)
{
	buf_clear(&daemon->zone_watch.refused);
	daemon->zone_watch.owes_rules = false;
	watch_folders(daemon);
	/* For what changed between the reading and the watching; and only then are zones
	 * let go of, as another generation may have been read and not be in force yet. */
	loop_timer_start(daemon->zone_watch.timer, SETTLE_MS);
}

void zones_trouble(const struct daemon *daemon, struct buf *text)
{
	const struct buf *refused = &daemon->zone_watch.refused;

	zoneinfo_lost(daemon->zones, LOST_TOLD, text);
	if (refused->length)
		buf_format(text, "%sthe jobs cannot follow their zones' changed rules: %s",
			   text->length ? "\n" : "", buf_string(refused));
}

void zones_finish(struct daemon *daemon)
{
	unwatch(&daemon->zone_watch);
	buf_finish(&daemon->zone_watch.refused);
	loop_timer_destroy(daemon->zone_watch.timer);
}

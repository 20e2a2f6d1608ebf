/*
 * machine.c - the machine's parts, under the names by which the daemon knows them.
 *
 * Linked in place of clock.c, state_dir.c, descriptors_check.c (daemon), loop.c (net), zoneinfo.c,
 * read_file.c (config), log.c (base) and the API's server.
 */
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "config.h"
#include "internal.h"
#include "log.h"
#include "nodes.h"
#include "paris.h"
#include "world.h"
#include "zoneinfo.h"

/* ---- clocks (daemon/clock.c) ---- */

struct now clock_now(void)
{
	struct now now = {.utc = utc_add(world_utc(), world.clock_off_ms), .mono = world.mono};

	ledger_clock_read(now.utc);
	return now;
}

int64_t clock_asleep_ms(void)
{
	return world.asleep_ms;
}

int64_t clock_us(void)
{
	return world.mono.ms * 1000;
}

struct utc clock_utc(void)
{
	return utc_add(world_utc(), world.clock_off_ms);
}

/* ---- the loop (net/loop.c) ---- */

struct loop {
	loop_turn_fn *turn;
	void *context;
	bool is_stopping;
};

struct loop_timer {
	struct loop_timer *next;
	loop_timer_fn *fn;
	void *context;
	int64_t due_ms; /* -1: stopped */
};

struct loop_alarm {
	loop_timer_fn *fn;
	void *context;
	struct utc at;
};

struct loop_signal {
	struct loop_signal *next;
	int number;
	loop_signal_fn *fn;
	void *context;
};

struct loop_file {
	loop_file_fn *fn;
	void *context;
};

static struct machine {
	struct loop loop;
	struct loop_timer *timers;
	struct loop_alarm *alarm;
	struct loop_signal *signals;
	struct loop_file *file;
	struct loop_folder *folders;
	int32_t zone; /* the version that was read */
	/* Only while another node is on stage. */
	struct api_doors doors;
	const struct api_world *view;
} machine, machines[NODES_MAX];

struct loop *loop_create(struct err *err)
{
	(void)err;
	return &machine.loop;
}

void loop_destroy(struct loop *loop)
{
	(void)loop;
	assert(!machine.timers && !machine.alarm && !machine.signals && !machine.file);
}

void loop_on_turn(struct loop *loop, loop_turn_fn *turn, void *context)
{
	loop->turn = turn;
	loop->context = context;
}

void loop_run(struct loop *loop)
{
	while (!loop->is_stopping && !world.is_dead) {
		loop->turn(loop->context);
		if (!loop->is_stopping && !world.is_dead)
			world_wait();
	}
}

void loop_stop(struct loop *loop)
{
	loop->is_stopping = true;
}

struct loop_timer *loop_timer_create(struct loop *loop, loop_timer_fn *fn, void *context)
{
	struct loop_timer *timer = mem_alloc(sizeof(*timer));

	(void)loop;
	*timer = (struct loop_timer){machine.timers, fn, context, -1};
	machine.timers = timer;
	return timer;
}

void loop_timer_start(struct loop_timer *timer, int64_t in_ms)
{
	timer->due_ms = world.mono.ms + (in_ms < 0 ? 0 : in_ms);
}

void loop_timer_stop(struct loop_timer *timer)
{
	timer->due_ms = -1;
}

void loop_timer_destroy(struct loop_timer *timer)
{
	struct loop_timer **link = &machine.timers;

	if (!timer)
		return;
	while (*link != timer)
		link = &(*link)->next;
	*link = timer->next;
	free(timer);
}

struct loop_alarm *loop_alarm_create(struct loop *loop, loop_timer_fn *fn, void *context,
				     struct err *err)
{
	(void)loop, (void)err;
	machine.alarm = mem_alloc(sizeof(*machine.alarm));
	*machine.alarm = (struct loop_alarm){fn, context, UTC_NEVER};
	return machine.alarm;
}

bool loop_alarm_set(struct loop_alarm *alarm, struct utc at, struct err *err)
{
	(void)err;
	alarm->at = at;
	return true;
}

void loop_alarm_destroy(struct loop_alarm *alarm)
{
	machine.alarm = NULL;
	free(alarm);
}

struct loop_signal *loop_signal_create(struct loop *loop, int number, loop_signal_fn *fn,
				       void *context)
{
	struct loop_signal *made = mem_alloc(sizeof(*made));

	(void)loop;
	*made = (struct loop_signal){machine.signals, number, fn, context};
	machine.signals = made;
	return made;
}

void loop_signal_destroy(struct loop_signal *signal)
{
	struct loop_signal **link = &machine.signals;

	if (!signal)
		return;
	while (*link != signal)
		link = &(*link)->next;
	*link = signal->next;
	free(signal);
}

struct loop_file *loop_file_create(struct loop *loop, const char *path, loop_file_fn *fn,
				   void *context, struct err *err)
{
	(void)loop, (void)path, (void)err;
	machine.file = mem_alloc(sizeof(*machine.file));
	*machine.file = (struct loop_file){fn, context};
	return machine.file;
}

void loop_file_destroy(struct loop_file *file)
{
	machine.file = NULL;
	free(file);
}

struct loop_folder {
	struct loop_folder *next;
	loop_file_fn *fn;
	void *context;
};

struct loop_folder *loop_folder_create(struct loop *loop, const char *path, loop_file_fn *fn,
				       void *context, struct err *err)
{
	struct loop_folder *folder = mem_alloc(sizeof(*folder));

	(void)loop, (void)path, (void)err;
	*folder = (struct loop_folder){machine.folders, fn, context};
	machine.folders = folder;
	return folder;
}

void loop_folder_destroy(struct loop_folder *folder)
{
	struct loop_folder **link = &machine.folders;

	while (*link != folder)
		link = &(*link)->next;
	*link = folder->next;
	free(folder);
}

/* ---- what the world does to it ---- */

void machine_create(void)
{
	/* No view of a daemon of another history. */
	memset(machines, 0, sizeof(machines));
	machine_doors = (struct api_doors){0};
	machine_view = NULL;
	machine_begin();
}

void machine_begin(void)
{
	/* Whatever a life left that ended in a failed assertion is lost. */
	memset(&machine, 0, sizeof(machine));
}

bool machine_next(int64_t *mono_ms)
{
	*mono_ms = INT64_MAX;
	for (const struct loop_timer *timer = machine.timers; timer; timer = timer->next)
		if (timer->due_ms >= 0 && timer->due_ms < *mono_ms)
			*mono_ms = timer->due_ms;
	if (machine.alarm && utc_is_set(machine.alarm->at) &&
	    machine.alarm->at.ms - world.offset_ms < *mono_ms)
		*mono_ms = machine.alarm->at.ms - world.offset_ms;
	return *mono_ms != INT64_MAX;
}

static struct loop_timer *due_timer(void)
{
	struct loop_timer *first = NULL;

	for (struct loop_timer *timer = machine.timers; timer; timer = timer->next)
		if (timer->due_ms >= 0 && timer->due_ms <= world.mono.ms &&
		    (!first || timer->due_ms <= first->due_ms))
			first = timer;
	return first;
}

/* Each at most once a round, as in the loop's own. */
void machine_fire(void)
{
	struct loop_timer *timer = due_timer();

	if (timer) {
		timer->due_ms = -1;
		timer->fn(timer->context);
	}
	if (machine.alarm && utc_is_set(machine.alarm->at) &&
	    machine.alarm->at.ms <= world_utc().ms) {
		machine.alarm->at = UTC_NEVER;
		machine.alarm->fn(machine.alarm->context);
	}
}

void machine_clock_set(void)
{
	if (!world.is_dead && machine.alarm) {
		machine.alarm->at = UTC_NEVER;
		machine.alarm->fn(machine.alarm->context);
	}
}

void machine_signal(int number)
{
	for (struct loop_signal *signal = machine.signals; signal && !world.is_dead;
	     signal = signal->next)
		if (signal->number == number) {
			signal->fn(signal->context, number);
			return;
		}
}

void machine_file_changed(void)
{
	if (!world.is_dead && machine.file)
		machine.file->fn(machine.file->context);
}

void machine_zone_changed(void)
{
	if (!world.is_dead && machine.folders)
		machine.folders->fn(machine.folders->context);
}

/* ---- the state directory, the file, the zones, the log ---- */

bool descriptors_check(const struct serve_options *options, int32_t *max_running, struct err *err)
{
	(void)err;
	*max_running = options->max_running;
	return true;
}

bool state_dir_take(const char *path, int *lock, struct err *err)
{
	(void)path, (void)err;
	*lock = -1;
	return true;
}

bool config_read(const char *path, char **text, size_t *length, struct err *err)
{
	struct buf json = {0};

	(void)err, (void)path;
	if (world.is_file_bad)
		buf_text(&json, "{\"jobs\": [{\"name\": \"j0\", \"sched");
	else
		plan_write(world.plan, world.file, &json);
	*text = json.data;
	*length = json.length;
	return true;
}

static const char *nearest_zone(void *context, const char *name)
{
	(void)context, (void)name;
	return NULL;
}

static const struct zone *get_zone(void *context, const char *name, struct err *err)
{
	(void)context, (void)err;
	return strcmp(name, "UTC") == 0 ? zone_utc() : sim_paris(machine.zone);
}

struct zoneinfo *zoneinfo_create(const char *directory)
{
	(void)directory;
	machine.zone = world.zone;
	ledger_zone_changed(world.zone, true);
	return NULL;
}

void zoneinfo_destroy(struct zoneinfo *zoneinfo)
{
	(void)zoneinfo;
}

const struct zone_source *zoneinfo_source(struct zoneinfo *zoneinfo)
{
	static const struct zone_source source = {get_zone, nearest_zone, NULL};

	(void)zoneinfo;
	return &source;
}

size_t zoneinfo_look(struct zoneinfo *zoneinfo, zone_news_fn *tell, void *context)
{
	(void)zoneinfo;
	if (machine.zone == world.zone)
		return 0;
	machine.zone = world.zone;
	ledger_zone_changed(world.zone, false);
	tell(context, ZONE_CHANGED, "Europe/Paris", NULL);
	return 1;
}

void zoneinfo_lost(const struct zoneinfo *zoneinfo, size_t max, struct buf *text)
{
	(void)zoneinfo, (void)max, (void)text;
}

void zoneinfo_folders(const struct zoneinfo *zoneinfo, struct arena *arena,
		      struct zone_folders *folders)
{
	static const char *paths[] = {"/usr/share/zoneinfo/Europe"};

	(void)zoneinfo, (void)arena;
	*folders = (struct zone_folders){.paths = paths, .count = 1};
}

void zoneinfo_use(struct zoneinfo *zoneinfo, const struct zone *zone)
{
	(void)zoneinfo, (void)zone;
}

void zoneinfo_sweep(struct zoneinfo *zoneinfo)
{
	(void)zoneinfo;
}

void log_setup(enum log_level least, bool json, struct utc (*clock)(void))
{
	(void)least, (void)json, (void)clock;
}

void log_style(bool is_terminal, bool has_colour)
{
	(void)is_terminal, (void)has_colour;
}

void log_fresh_line(void)
{
}

void log_event(enum log_level level, struct log_about about, const char *format, ...)
{
	struct buf text = {0};
	va_list args;

	if (!world_step() || world.telling == TELL_NOTHING || level == LOG_DEBUG)
		return;
	buf_format(&text, "log: %s %s ", about.job ? about.job : "", about.run ? about.run : "");
	va_start(args, format);
	buf_vformat(&text, format, args);
	va_end(args);
	world_tell_log(buf_string(&text));
	buf_finish(&text);
}

/* ---- the API ---- */

struct api_doors machine_doors;
const struct api_world *machine_view;

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): world is ours */
struct api *api_create(struct loop *loop, const struct api_options *options, struct err *err)
{
	(void)loop, (void)err;
	machine_doors = options->doors;
	machine_view = options->world;
	return (struct api *)&machine_doors;
}

void api_drain(struct api *api)
{
	(void)api;
}

void api_destroy(struct api *api)
{
	(void)api;
	machine_view = NULL;
}

const struct http_address *api_address(const struct api *api)
{
	static const struct http_address address = {.socket.v4.sin_family = AF_INET};

	(void)api;
	return &address;
}

void api_revision_changed(struct api *api, int64_t number)
{
	(void)api, (void)number;
}

void api_run_changed(struct api *api, uint64_t run)
{
	(void)api, (void)run;
}

void machine_stage(int32_t from, int32_t to)
{
	if (from >= 0) {
		machine.doors = machine_doors;
		machine.view = machine_view;
		machines[from] = machine;
	}
	machine = machines[to];
	machine_doors = machine.doors;
	machine_view = machine.view;
}

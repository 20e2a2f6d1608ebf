/*
 * systemd.c - timers with the services that they start. Each trigger of a timer is an
 * entry, as a job here has one schedule.
 */
#include "systemd.h"

#include <stdlib.h>
#include <string.h>

#include "str.h"

enum { TRIGGERS_MAX = 200 };

struct units {
	struct import *im;
	struct unit *items;
	size_t count;
};

/* ---- finding units ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);

	return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* "backup.timer" of backup.timer, and of backup.timer.d/override.conf. */
static const char *unit_of_path(struct arena *arena, const char *path, bool *is_drop_in)
{
	const char *file = base_name(path);

	*is_drop_in = false;
	if (!ends_in(file, ".conf"))
		return file;
	const char *folder = arena_copy(arena, path, (size_t)(file - path) - (file > path));
	const char *name = base_name(folder);
	*is_drop_in = ends_in(name, ".timer.d") || ends_in(name, ".service.d");
	return *is_drop_in ? arena_copy(arena, name, strlen(name) - 2) : file;
}

static struct unit *find(const struct units *units, const char *name)
{
	for (size_t i = 0; i < units->count; i++)
		if (strcmp(units->items[i].name, name) == 0)
			return &units->items[i];
	return NULL;
}

/* Units first, then what is dropped in, in the order of the sources. */
static void read_units(struct units *units, const struct import_source *sources, size_t count)
{
	units->items = mem_alloc((count + 1) * sizeof(*units->items));
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < count; i++) {
			bool is_drop_in;
			const char *name =
				unit_of_path(&units->im->arena, sources[i].path, &is_drop_in);
			struct unit *unit = find(units, name);

			if (is_drop_in != (round == 1) || (is_drop_in && !unit))
				continue;
			if (!unit) {
				unit = &units->items[units->count++];
				unit->name = name;
			}
			unit_read(unit, units->im, &sources[i]);
		}
	}
}

/* The service itself, or the template that it is an instance of. */
static const struct unit *find_service(const struct units *units, const char *name)
{
	const struct unit *unit = find(units, name);
	const char *at = strchr(name, '@');

	if (unit || !at)
		return unit;
	unit = find(units,
		    arena_format(&units->im->arena, "%.*s.service", (int)(at - name) + 1, name));
	if (!unit)
		return NULL;
	struct unit *instance = arena_new(&units->im->arena, struct unit);
	*instance = *unit;
	instance->name = name;
	return instance;
}

/* ---- triggers ---- */

struct timer {
	struct units *units;
	const struct unit *unit;
	const char *stem; /* of the name, for jobs */
	const char *service_name;
	const struct unit *service;
	bool is_persistent;
	int64_t delay_ms;
	const struct unit_line *boot; /* OnBootSec and its like, where a period takes its place */
};

static struct import_place value_place(const struct unit_line *line, size_t column)
{
	struct import_place at = line->value_at;

	at.column += (uint32_t)column - 1;
	return at;
}

static void set_description(struct timer *t, struct import_entry *e)
{
	const struct unit_line *line = unit_last(t->service, "Unit", "Description");

	if (!line)
		line = unit_last(t->unit, "Unit", "Description");
	if (!line)
		return;
	entry_text(e, IMPORT_DESCRIPTION, line->value);
	entry_carried(e, "description");
}

static void set_catchup(struct timer *t, struct import_entry *e, bool is_calendar)
{
	if (!t->is_persistent || !is_calendar) {
		entry_text(e, IMPORT_CATCHUP, "none");
		return;
	}
	entry_text(e, IMPORT_CATCHUP, "once");
	entry_text(e, IMPORT_CATCHUP_WINDOW, "366d");
	entry_carried(e, "Persistent");
}

static void set_delay(struct timer *t, struct import_entry *e)
{
	const struct unit_line *line = unit_last(t->unit, "Timer", "RandomizedDelaySec");
	const struct unit_line *fixed = unit_last(t->unit, "Timer", "FixedRandomDelay");

	if (!t->delay_ms)
		return;
	entry_duration(e, IMPORT_JITTER, t->delay_ms);
	entry_tell(e, IMPORT_DIFFERS, line->at, "RandomizedDelaySec",
		   "%s; the jitter here is drawn from the job's name and the instant, on "
		   "every machine the same",
		   fixed && unit_is_true(fixed->value) ? "one delay for each machine there"
						       : "a new random delay each time there");
}

/* What all triggers of a timer have in common. */
static void fill(struct timer *t, struct import_entry *e, bool is_calendar)
{
	set_description(t, e);
	set_catchup(t, e, is_calendar);
	set_delay(t, e);
	service_translate(e, t->service);
}

static struct import_entry *add_entry(struct timer *t, const struct unit_line *line)
{
	const char *source = arena_format(&t->units->im->arena, "%s: %s=%s", t->unit->name,
					  line->key, line->value);
	struct import_entry *e = entry_add(t->units->im, IMPORT_SYSTEMD, line->at, source);

	if (e)
		entry_name_as(e, t->stem, line->at);
	return e;
}

/* An OnCalendar= on the way to its job. */
struct calendar {
	const struct unit_line *line;
	struct calendar_spec spec;
	const struct unit_line *joined[TRIGGERS_MAX]; /* others that its expression has in it */
	size_t joined_count;
	bool is_gone; /* joined to another one, or wrong */
};

static void add_calendar(struct timer *t, const struct calendar *c)
{
	struct import_entry *e = add_entry(t, c->line);

	if (!e || !entry_schedule(e, c->spec.expression, c->spec.zone, c->line->value_at, false))
		return;
	if (c->spec.has_fraction)
		entry_tell(e, IMPORT_DIFFERS, c->line->at, "schedule",
			   "the fraction of a second is cut off: schedules here keep to whole "
			   "seconds");
	for (size_t i = 0; i < c->joined_count; i++)
		entry_tell(e, IMPORT_CARRIED, c->joined[i]->at, "schedule",
			   "%s=%s is in the same expression", c->joined[i]->key,
			   c->joined[i]->value);
	fill(t, e, true);
}

static bool read_calendar(struct timer *t, struct calendar *c)
{
	struct calendar_spec_error error;

	if (calendar_spec_parse(&t->units->im->arena, c->line->value, &c->spec, &error))
		return true;
	return import_fault(t->units->im, value_place(c->line, error.column), c->line->value, "%s",
			    error.message);
}

/* Two of one zone that differ in one field alone are one, with both values in a list. */
static void join_calendars(struct timer *t, struct calendar *a, struct calendar *b)
{
	const char *joined;

	if (a->is_gone || b->is_gone || a->spec.has_fraction != b->spec.has_fraction ||
	    !str_equal(a->spec.zone, b->spec.zone))
		return;
	joined = calendar_spec_join(&t->units->im->arena, a->spec.expression, b->spec.expression);
	if (!joined)
		return;
	a->spec.expression = joined;
	a->joined[a->joined_count++] = b->line;
	b->is_gone = true;
}

static void add_calendars(struct timer *t, const struct unit_line *const *lines, size_t count)
{
	struct calendar *calendars = mem_alloc((count + 1) * sizeof(*calendars));

	for (size_t i = 0; i < count; i++) {
		calendars[i].line = lines[i];
		calendars[i].is_gone = !read_calendar(t, &calendars[i]);
		for (size_t j = 0; j < i; j++)
			join_calendars(t, &calendars[j], &calendars[i]);
	}
	for (size_t i = 0; i < count; i++)
		if (!calendars[i].is_gone)
			add_calendar(t, &calendars[i]);
	free(calendars);
}

static bool span_of(struct timer *t, const struct unit_line *line, int64_t *ms)
{
	if (time_span_parse(line->value, ms) && *ms <= TIME_SPAN_MAX_MS)
		return true;
	return import_fault(t->units->im, line->value_at, line->value,
			    "no time span such as 15min or 1h 30s");
}

/* A period from the last start or end: the grid of that duration. */
static void add_period(struct timer *t, const struct unit_line *line)
{
	bool from_end = strcmp(line->key, "OnUnitInactiveSec") == 0;
	char text[DURATION_TEXT_MAX];
	struct import_entry *e;
	int64_t ms;

	if (!span_of(t, line, &ms) || !(e = add_entry(t, line)))
		return;
	ms = (ms + 500) / 1000 * 1000;
	if (ms < 1000)
		ms = 1000;
	const char *every =
		arena_format(&t->units->im->arena, "@every %s", str_duration_format(ms, text));
	if (!entry_schedule(e, every, NULL, line->value_at, false))
		return;
	entry_tell(e, IMPORT_DIFFERS, line->at, line->key,
		   "systemd counts from the %s of the run before; here it is due on the grid "
		   "of %s since 1970, whenever the run before %s",
		   from_end ? "end" : "start", text, from_end ? "ended" : "started");
	if (t->boot)
		entry_tell(e, IMPORT_LEFT, t->boot->at, t->boot->key,
			   "the first run comes with the grid, not %s after the start",
			   t->boot->value);
	fill(t, e, false);
}

static void add_boot(struct timer *t, const struct unit_line *line)
{
	char text[DURATION_TEXT_MAX];
	struct import_entry *e;
	int64_t ms;

	if (!span_of(t, line, &ms) || !(e = add_entry(t, line)) ||
	    !entry_schedule(e, "@reboot", NULL, line->value_at, false))
		return;
	entry_tell(e, IMPORT_DIFFERS, line->at, line->key,
		   "%s after the machine or the timer started there; here at once, each time "
		   "that belfry starts",
		   str_duration_format(ms, text));
	fill(t, e, false);
}

/* ---- timers ---- */

static size_t collect(const struct timer *t, const char *const *keys,
		      const struct unit_line **lines, size_t max)
{
	size_t count = 0;

	for (; *keys; keys++)
		count += unit_values(t->unit, "Timer", *keys, lines + count, max - count);
	if (count == max)
		import_fault(t->units->im, lines[0]->at, NULL, "%zu triggers and more in one timer",
			     max);
	return count;
}

static void add_triggers(struct timer *t)
{
	static const char *const calendars[] = {"OnCalendar", NULL};
	static const char *const periods[] = {"OnUnitActiveSec", "OnUnitInactiveSec", NULL};
	static const char *const boots[] = {"OnBootSec", "OnStartupSec", "OnActiveSec", NULL};
	const struct unit_line *calendar[TRIGGERS_MAX], *period[TRIGGERS_MAX], *boot[TRIGGERS_MAX];
	size_t calendar_count = collect(t, calendars, calendar, TRIGGERS_MAX);
	size_t period_count = collect(t, periods, period, TRIGGERS_MAX);
	size_t boot_count = collect(t, boots, boot, TRIGGERS_MAX);

	t->boot = period_count && boot_count ? boot[0] : NULL;
	add_calendars(t, calendar, calendar_count);
	for (size_t i = 0; i < period_count; i++)
		add_period(t, period[i]);
	for (size_t i = 0; i < boot_count && !period_count; i++)
		add_boot(t, boot[i]);
}

static void note_several(struct timer *t, size_t first)
{
	struct import *im = t->units->im;

	for (size_t i = first; i < im->entry_count && im->entry_count - first > 1; i++)
		entry_tell(im->entries[i], IMPORT_DIFFERS, im->entries[i]->at, "overlap",
			   "%s starts one service at several times; here each is a job, and "
			   "two of them may run at once",
			   t->unit->name);
}

static void note_accuracy(struct timer *t)
{
	const struct unit_line *line = unit_last(t->unit, "Timer", "AccuracySec");
	const struct unit_line *wake = unit_last(t->unit, "Timer", "WakeSystem");
	struct import *im = t->units->im;
	struct import_entry *e = im->entries[im->entry_count - 1];

	if (line)
		entry_tell(e, IMPORT_DIFFERS, line->at, "AccuracySec",
			   "belfry starts at the second, not within %s", line->value);
	if (wake && unit_is_true(wake->value))
		entry_tell(e, IMPORT_LEFT, wake->at, "WakeSystem",
			   "belfry wakes no machine that sleeps");
}

/* The whole timer is left. */
static void leave_timer(struct timer *t, struct import_place at, const char *why)
{
	struct import_entry *e = entry_add(t->units->im, IMPORT_SYSTEMD, at, t->unit->name);

	if (e)
		entry_drop(e, at, "timer", "%s", why);
}

static bool find_what_it_starts(struct timer *t, struct import_place at)
{
	const struct unit_line *unit = unit_last(t->unit, "Timer", "Unit");
	struct arena *arena = &t->units->im->arena;

	t->service_name = unit ? unit->value : arena_format(arena, "%s.service", t->stem);
	if (!ends_in(t->service_name, ".service")) {
		leave_timer(
			t, unit ? unit->at : at,
			arena_format(arena, "it starts %s, which is no service", t->service_name));
		return false;
	}
	t->service = find_service(t->units, t->service_name);
	if (!t->service)
		leave_timer(t, at,
			    arena_format(arena, "%s is not among the files", t->service_name));
	return t->service != NULL;
}

static void translate(struct timer *t)
{
	static const char *const known[] = {"OnCalendar",        "OnUnitActiveSec",
					    "OnUnitInactiveSec", "OnBootSec",
					    "OnStartupSec",      "OnActiveSec",
					    "AccuracySec",       "RandomizedDelaySec",
					    "FixedRandomDelay",  "Unit",
					    "Persistent",        "WakeSystem",
					    "RemainAfterElapse", NULL};
	const struct unit_line *persistent = unit_last(t->unit, "Timer", "Persistent");
	const struct unit_line *delay = unit_last(t->unit, "Timer", "RandomizedDelaySec");
	struct import *im = t->units->im;
	struct import_place at =
		t->unit->count ? t->unit->lines[0].at : (struct import_place){t->unit->name, 0, 0};
	size_t first = im->entry_count, faults = im->faults_told;

	t->is_persistent = persistent && unit_is_true(persistent->value);
	if ((delay && !span_of(t, delay, &t->delay_ms)) || !find_what_it_starts(t, at))
		return;
	add_triggers(t);
	if (im->entry_count == first) {
		if (im->faults_told == faults)
			leave_timer(t, at, "it has no OnCalendar= and no other trigger");
		return;
	}
	note_several(t, first);
	note_accuracy(t);
	unit_leave_rest(im->entries[first], t->unit, "Timer", known);
}

static void translate_timer(struct units *units, const struct unit *unit)
{
	struct timer timer = {.units = units, .unit = unit};
	size_t length = strlen(unit->name) - strlen(".timer");

	timer.stem = arena_copy(&units->im->arena, unit->name, length);
	if (length && unit->name[length - 1] == '@') {
		import_remark(units->im, IMPORT_LEFT,
			      unit->count ? unit->lines[0].at
					  : (struct import_place){unit->name, 0, 0},
			      "templates", "%s is a template; its instances are not in the files",
			      unit->name);
		return;
	}
	translate(&timer);
}

static void remark(struct import *im, struct import_place at)
{
	import_remark(im, IMPORT_CARRIED, at, "overlap",
		      "a timer does not start a service that runs: kept by \"overlap\": "
		      "\"forbid\", belfry's usual");
	import_remark(im, IMPORT_CARRIED, at, "time zone",
		      "timers follow the clock of their machine, taken to be %s%s",
		      kind_zone(im, IMPORT_SYSTEMD),
		      im->world.timezone ? "" : "; say --tz if that is another");
	import_remark(im, IMPORT_DIFFERS, at, "environment",
		      "systemd gives services a small environment of its own; here they have "
		      "belfry's, and what the job sets");
	import_remark(im, IMPORT_DIFFERS, at, "enabled",
		      "the files do not say which timers are enabled; here each is");
}

void systemd_translate(struct import *im, const struct import_source *sources, size_t count,
		       const char *only)
{
	struct units units = {.im = im};
	size_t timers = 0;

	read_units(&units, sources, count);
	for (size_t i = 0; i < units.count && !im->is_full; i++) {
		const char *name = units.items[i].name;

		if (!ends_in(name, ".timer") || (only && strcmp(name, only) != 0))
			continue;
		translate_timer(&units, &units.items[i]);
		timers++;
	}
	struct import_place at = {count ? sources[0].path : "", 0, 0};
	if (timers)
		remark(im, at);
	else
		import_fault(im, at, NULL, "no timer among the files (*.timer)");
	for (size_t i = 0; i < units.count; i++)
		free(units.items[i].lines);
	free(units.items);
}

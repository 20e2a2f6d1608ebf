/* entry.c - an entry while it becomes a job; see entry.h. */
#include "entry.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"
#include "utf8.h"
#include "zone_offer.h"

enum { SHORT_MAX = 120, REMARKS_MAX = 1000 };

/* ---- texts ---- */

const char *text_literal(struct arena *arena, const char *text)
{
	struct buf out = {0};

	if (!strstr(text, "${"))
		return text;
	for (; *text; text++) {
		if (text[0] == '$' && text[1] == '{')
			buf_char(&out, '$');
		buf_char(&out, *text);
	}
	const char *copy = arena_text(arena, buf_string(&out));
	buf_finish(&out);
	return copy;
}

const char *text_short(struct arena *arena, const char *text, size_t length)
{
	size_t kept = length < SHORT_MAX ? length : SHORT_MAX;

	while (kept < length && kept > 0 && ((unsigned char)text[kept] & 0xc0) == 0x80)
		kept--;
	char *copy = arena_copy(arena, text, kept);
	for (char *c = copy; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = ' ';
	return kept < length ? arena_format(arena, "%s…", copy) : copy;
}

/* ---- notes and faults ---- */

static void note(struct import_notes *notes, struct import_note item)
{
	if (notes->count == notes->capacity) {
		notes->capacity = notes->capacity ? notes->capacity * 2 : 8;
		notes->items = mem_resize(notes->items, notes->capacity * sizeof(*notes->items));
	}
	notes->items[notes->count++] = item;
}

__attribute__((format(printf, 2, 0))) static const char *vformat(struct arena *arena,
								 const char *format, va_list args)
{
	struct buf text = {0};

	buf_vformat(&text, format, args);
	const char *copy = arena_text(arena, buf_string(&text));
	buf_finish(&text);
	return copy;
}

void entry_carried(struct import_entry *e, const char *topic)
{
	for (size_t i = 0; i < e->notes.count; i++)
		if (e->notes.items[i].effect == IMPORT_CARRIED &&
		    strcmp(e->notes.items[i].topic, topic) == 0)
			return;
	note(&e->notes, (struct import_note){IMPORT_CARRIED, e->at, topic, NULL});
}

void entry_tell(struct import_entry *e, enum import_effect effect, struct import_place at,
		const char *topic, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	const char *text = vformat(&e->im->arena, format, args);
	va_end(args);
	note(&e->notes, (struct import_note){effect, at, topic, text});
}

bool entry_drop(struct import_entry *e, struct import_place at, const char *topic,
		const char *format, ...)
{
	va_list args;

	va_start(args, format);
	const char *text = vformat(&e->im->arena, format, args);
	va_end(args);
	note(&e->notes, (struct import_note){IMPORT_LEFT, at, topic, text});
	e->is_left = true;
	return false;
}

void import_remark(struct import *im, enum import_effect effect, struct import_place at,
		   const char *topic, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	const char *text = vformat(&im->arena, format, args);
	va_end(args);
	if (im->remarks.count > REMARKS_MAX)
		return;
	for (size_t i = 0; i < im->remarks.count; i++)
		if (strcmp(im->remarks.items[i].text, text) == 0)
			return;
	if (im->remarks.count == REMARKS_MAX) {
		topic = "remarks";
		text = "there are more of these, which are not shown";
	}
	note(&im->remarks, (struct import_note){effect, at, topic, text});
}

bool import_fault(struct import *im, struct import_place at, const char *excerpt,
		  const char *format, ...)
{
	va_list args;

	im->faults_told++;
	if (im->fault_count == IMPORT_FAULTS_MAX)
		return false;
	va_start(args, format);
	const char *message = vformat(&im->arena, format, args);
	va_end(args);
	im->faults[im->fault_count++] = (struct import_fault){at, message, excerpt};
	return false;
}

static struct import_place place_at(const struct import_source *source, size_t offset)
{
	struct import_place at = {source->path, 1, 1};

	for (size_t i = 0; i < offset; i++) {
		at.column++;
		if (source->text[i] == '\n')
			at = (struct import_place){source->path, at.line + 1, 1};
	}
	return at;
}

bool import_check_text(struct import *im, const struct import_source *source)
{
	const char *nul = memchr(source->text, 0, source->length);
	size_t bad;

	if (nul)
		return import_fault(im, place_at(source, (size_t)(nul - source->text)), NULL,
				    "a NUL byte; this is no text file");
	if (!utf8_valid(source->text, source->length, &bad))
		return import_fault(im, place_at(source, bad), NULL,
				    "not UTF-8; convert it first, as with iconv -f latin1 -t utf8");
	return true;
}

/* ---- entries ---- */

static bool has_room(struct import *im, struct import_place at)
{
	if (im->is_full)
		return false;
	if (im->entry_count == IMPORT_ENTRIES_MAX)
		import_fault(im, at, NULL, "more than %d entries; import them in parts",
			     IMPORT_ENTRIES_MAX);
	else if (arena_size(&im->arena) > IMPORT_MEMORY_MAX)
		import_fault(im, at, NULL,
			     "all that is before this takes more than %d MiB; import "
			     "it in parts",
			     IMPORT_MEMORY_MAX >> 20);
	else
		return true;
	im->is_full = true;
	return false;
}

struct import_entry *entry_add(struct import *im, enum import_kind kind, struct import_place at,
			       const char *source)
{
	if (!has_room(im, at))
		return NULL;
	if (im->entry_count == im->entry_capacity) {
		im->entry_capacity = im->entry_capacity ? im->entry_capacity * 2 : 64;
		im->entries =
			mem_resize(im->entries, im->entry_capacity * sizeof(struct import_entry *));
	}
	struct import_entry *e = mem_alloc(sizeof(*e));
	*e = (struct import_entry){.im = im, .kind = kind, .at = at};
	e->source = text_short(&im->arena, source, strlen(source));
	im->entries[im->entry_count++] = e;
	return e;
}

void entry_json(struct import_entry *e, enum import_key key, const char *json)
{
	e->values[key] = arena_text(&e->im->arena, json);
}

void entry_text(struct import_entry *e, enum import_key key, const char *text)
{
	struct buf json = {0};

	buf_json_string(&json, text, strlen(text));
	entry_json(e, key, buf_string(&json));
	buf_finish(&json);
}

void entry_literal(struct import_entry *e, enum import_key key, const char *text)
{
	entry_text(e, key, text_literal(&e->im->arena, text));
}

void entry_duration(struct import_entry *e, enum import_key key, int64_t ms)
{
	char text[DURATION_TEXT_MAX];

	entry_text(e, key, str_duration_format(ms, text));
}

void entry_name(struct import_entry *e, const char *wanted)
{
	e->name = names_take(e->im->names, &e->im->arena, wanted);
	entry_text(e, IMPORT_NAME, e->name);
}

void entry_name_as(struct import_entry *e, const char *name, struct import_place at)
{
	e->name = names_take_as(e->im->names, &e->im->arena, name);
	entry_text(e, IMPORT_NAME, e->name);
	if (strcmp(e->name, name) != 0)
		entry_tell(e, IMPORT_DIFFERS, at, "name", "it was called \"%s\"",
			   text_short(&e->im->arena, name, strlen(name)));
}

/* ---- schedules ---- */

const char *kind_zone(const struct import *im, enum import_kind kind)
{
	bool follows_machine =
		kind == IMPORT_CRONTAB || kind == IMPORT_SYSTEM_CRONTAB || kind == IMPORT_SYSTEMD;

	if (im->world.timezone)
		return im->world.timezone;
	return follows_machine ? im->world.machine : "UTC";
}

static const struct zone *find_zone(struct import *im, const char *name, struct import_place at)
{
	const struct zone_source *zones = im->world.zones;
	struct err err = {{0}};
	char offer[ZONE_OFFER_MAX];
	const struct zone *zone = zones->get(zones->context, name, &err);

	if (zone)
		return zone;
	const char *nearest = zone_offer(zones, name, offer);
	import_fault(im, at, NULL, "unknown zone \"%s\"%s%s",
		     text_short(&im->arena, name, strlen(name)), nearest ? "; " : "",
		     nearest ? nearest : "");
	return NULL;
}

bool import_knows_zone(struct import *im, const char *name, struct import_place at)
{
	return find_zone(im, name, at) != NULL;
}

struct touch {
	bool gap, overlap; /* of these hours of the coming year the schedule has fires in */
	struct utc gap_at, overlap_at;
};

static void touch_gap(const struct schedule *s, const struct zone_transition *t,
		      struct touch *touch)
{
	struct utc start = {t->utc_s * 1000}, fire;
	int64_t reading;

	if (touch->gap || !schedule_next_after(s, utc_add(start, -1), &fire) ||
	    fire.ms != start.ms || schedule_shift_of(s, fire, &reading) != SHIFT_FROM_GAP)
		return;
	touch->gap = true;
	touch->gap_at = start;
}

static void touch_overlap(const struct schedule *s, const struct zone_transition *t,
			  struct touch *touch)
{
	int64_t length_ms = (int64_t)(t->offset_before - t->offset_after) * 1000;
	struct utc start = {t->utc_s * 1000 - length_ms}, fire;

	if (touch->overlap || !schedule_next_after(s, utc_add(start, -1), &fire) ||
	    fire.ms >= t->utc_s * 1000)
		return;
	touch->overlap = true;
	touch->overlap_at = (struct utc){t->utc_s * 1000};
}

/* Which of the coming year's changes of the clock have anything to do with it. */
static struct touch touch_of(const struct schedule *s, struct utc now)
{
	struct touch touch = {0};
	struct zone_transition t;
	int64_t from = now.ms / 1000, end = from + INT64_C(366) * 86400;

	if (schedule_is_reboot(s) || schedule_is_absolute(s))
		return touch;
	while (zone_next_transition(schedule_zone(s), from, &t) && t.utc_s < end) {
		if (t.offset_after > t.offset_before)
			touch_gap(s, &t, &touch);
		else if (t.offset_after < t.offset_before)
			touch_overlap(s, &t, &touch);
		from = t.utc_s;
	}
	return touch;
}

/* What the other scheduler does in an hour that clocks leave out, and in one that they
 * show twice, where that is not what belfry does; NULL where it is the same. */
static const char *gap_there(enum import_kind kind)
{
	switch (kind) {
	case IMPORT_SYSTEMD: return "systemd leaves this run out";
	case IMPORT_KUBERNETES: return "Kubernetes leaves this run out";
	case IMPORT_SUPERCRONIC: return "supercronic runs it an hour off";
	case IMPORT_CRONTAB:
	case IMPORT_SYSTEM_CRONTAB:
	case IMPORT_CRON_MANAGER:
	case IMPORT_UNKNOWN:
	case IMPORT_KIND_COUNT: return NULL;
	}
	return NULL;
}

static const char *overlap_there(enum import_kind kind, bool follows_clock)
{
	switch (kind) {
	case IMPORT_SYSTEMD:
		return follows_clock ? "systemd runs it the first time round only" : NULL;
	case IMPORT_SUPERCRONIC:
		return follows_clock ? "supercronic goes through it once only" : NULL;
	case IMPORT_KUBERNETES: return follows_clock ? NULL : "Kubernetes runs it twice";
	case IMPORT_CRONTAB:
	case IMPORT_SYSTEM_CRONTAB:
	case IMPORT_CRON_MANAGER:
	case IMPORT_UNKNOWN:
	case IMPORT_KIND_COUNT: return NULL;
	}
	return NULL;
}

static void note_daylight_saving(struct import_entry *e, const struct schedule *s,
				 struct import_place at)
{
	struct touch touch = touch_of(s, e->im->world.now);
	bool follows_clock = schedule_follows_clock(s);
	const char *gap = gap_there(e->kind), *overlap = overlap_there(e->kind, follows_clock);
	char text[UTC_TEXT_MAX];

	if (touch.gap && gap)
		entry_tell(e, IMPORT_DIFFERS, at, "daylight saving",
			   "where clocks go forward (next %s) %s; here it runs at the end of the "
			   "gap",
			   utc_format(touch.gap_at, text), gap);
	if (touch.overlap && overlap)
		entry_tell(e, IMPORT_DIFFERS, at, "daylight saving",
			   "in the hour that clocks show twice (next %s) %s; here %s",
			   utc_format(touch.overlap_at, text), overlap,
			   follows_clock ? "both times" : "once");
}

/* Five fields of which both days are restricted: what "either" means is often not known. */
static void note_days(struct import_entry *e, const char *expression, struct import_place at)
{
	const char *fields[6], *text = expression;
	size_t count = 0;

	for (; *text && count < 6; count++) {
		fields[count] = text;
		text += strcspn(text, " \t");
		text += strspn(text, " \t");
	}
	if (count == 5 && *fields[0] != '@' && !strchr("*?+", *fields[2]) &&
	    !strchr("*?+", *fields[4]))
		entry_tell(e, IMPORT_CARRIED, at, "day rule",
			   "both day fields are restricted: it runs on a day that satisfies "
			   "either, there as here");
}

static void tell_schedule(struct import_entry *e, const char *expression, struct import_place at,
			  bool is_verbatim, const struct schedule_error *error)
{
	if (is_verbatim && error->column)
		at.column += (uint32_t)error->column - 1;
	import_fault(e->im, at, is_verbatim ? NULL : expression, "%s", error->message);
}

bool entry_schedule(struct import_entry *e, const char *expression, const char *zone,
		    struct import_place at, bool is_verbatim)
{
	struct schedule_error error = {0};
	const struct schedule *schedule = NULL;
	struct utc next;

	e->zone = zone ? arena_text(&e->im->arena, zone) : kind_zone(e->im, e->kind);
	struct schedule_context context = {.job_name = e->name,
					   .zone = find_zone(e->im, e->zone, at),
					   .zones = e->im->world.zones};
	if (!context.zone)
		return false;
	if (schedule_parse_cron(&e->im->arena, expression, strlen(expression), &context, &schedule,
				&error, 1)) {
		tell_schedule(e, expression, at, is_verbatim, &error);
		return false;
	}
	e->schedule = schedule;
	entry_text(e, IMPORT_SCHEDULE, expression);
	entry_carried(e, "schedule");
	if (!schedule_is_reboot(schedule) &&
	    !schedule_next_after(schedule, e->im->world.now, &next)) {
		entry_json(e, IMPORT_ENABLED, "false");
		entry_tell(e, IMPORT_DIFFERS, at, "schedule",
			   "its last date has passed, so the job is there but disabled");
		return true;
	}
	note_days(e, expression, at);
	note_daylight_saving(e, schedule, at);
	return true;
}

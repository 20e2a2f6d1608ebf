/*
 * forecast_count.c - how many jobs start when; see forecast_count.h.
 *
 * The window is cut into parts of a month, each with one counter a second. Jobs with
 * the same readings of the clock in the same zone are a group: a group knows how many
 * of its jobs fire on each local day. On a day of one offset a group's readings are
 * added as they are, and where every minute or every hour is the same they go into a
 * small pattern first, which is laid over the day once for all groups. A day on which
 * the clock changes is walked fire by fire, once a group if the change lies inside the
 * day, else once a job. So are jobs with jitter, and the days on which a job starts or
 * ends.
 */
#include "forecast_count.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "civil.h"
#include "mem.h"
#include "moment.h"
#include "shape.h"
#include "str.h"

enum {
	PART_DAYS = 32,
	MARGIN_DAYS = 2, /* no zone is further from UTC */
	DAYS_MAX = PART_DAYS + 2 * MARGIN_DAYS + 1,
	NO_GROUP = -1,
	TICK = 256, /* jobs between two looks at the clock */
};
#define DAY_S  INT64_C(86400)
#define HOUR_S INT64_C(3600)
#define MS     INT64_C(1000)

/* ---- what is known of a part ---- */

/* What the groups of one offset have in common on the day at hand. */
struct pattern {
	int32_t offset;
	bool is_used;
	uint32_t each_minute[60];   /* by second: in all minutes of the day */
	uint32_t of_hour[24][60];   /* by second: in all minutes of an hour */
	uint32_t each_hour[60][60]; /* by minute and second: in all hours */
	uint32_t at_zero[24][60];   /* by hour and minute: in second 0 */
};

struct local_day {
	int64_t begin, end; /* UTC seconds */
	size_t pattern;
};

struct zone_days {
	const struct zone *zone;
	struct local_day days[DAYS_MAX];
	/* Bit i: the clock changes inside day i; at its edge. On all others a day has one
	 * offset and 24 hours. */
	uint64_t changed_inside, changed_at_edge;
};

/* Jobs with the same readings in the same zone, or of one period and phase. */
struct group {
	struct shape shape;
	size_t zone;
	int64_t phase;
	uint32_t counts[DAYS_MAX]; /* jobs by day; of a period: counts[0] alone */
	size_t example[DAYS_MAX];  /* on days that are walked: one of the jobs */
};

struct counter {
	const struct forecast_question *question;
	struct forecast *out;
	struct zone_days *zones;
	size_t zone_count, zone_capacity;
	struct group *groups;
	size_t group_count, group_capacity;
	size_t *slots; /* group + 1 by hash */
	size_t slot_count;
	ptrdiff_t *group_of; /* each job's; NO_GROUP: it is walked */
	size_t *zone_of;
	struct pattern *patterns;
	size_t pattern_count, pattern_capacity;
	/* the part at hand */
	int64_t from, to, first_day;
	size_t day_count;
	uint32_t *starts; /* by second since from */
};

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static void add(struct counter *c, int64_t at_s, uint32_t count)
{
	if (at_s >= c->from && at_s < c->to)
		c->starts[at_s - c->from] += count;
}

static void tick(const struct counter *c, size_t done, size_t of)
{
	const struct forecast_question *q = c->question;

	if (!q->progress || done % TICK)
		return;
	double span = (double)(q->to_s - q->from_s);
	double part = (double)(c->to - c->from) * (double)done / (double)of;
	q->progress(q->context, ((double)(c->from - q->from_s) + part) / span);
}

/* ---- groups, found once for the whole window ---- */

static size_t zone_index(struct counter *c, const struct zone *zone)
{
	for (size_t i = c->zone_count; i-- > 0;)
		if (c->zones[i].zone == zone)
			return i;
	if (c->zone_count == c->zone_capacity) {
		c->zone_capacity = c->zone_capacity ? c->zone_capacity * 2 : 8;
		c->zones = mem_resize(c->zones, c->zone_capacity * sizeof(*c->zones));
	}
	c->zones[c->zone_count] = (struct zone_days){.zone = zone};
	return c->zone_count++;
}

static bool same_group(const struct group *a, const struct group *b)
{
	const struct shape *x = &a->shape, *y = &b->shape;

	if (x->kind != y->kind)
		return false;
	if (x->kind == SHAPE_PERIOD)
		return x->period == y->period && a->phase == b->phase;
	if (a->zone != b->zone || x->follows_clock != y->follows_clock || !x->times != !y->times)
		return false;
	if (x->times)
		return x->time_count == y->time_count &&
		       memcmp(x->times, y->times, x->time_count * sizeof(*x->times)) == 0;
	return x->seconds == y->seconds && x->minutes == y->minutes && x->hours == y->hours;
}

static uint64_t hash_group(const struct group *group)
{
	const struct shape *s = &group->shape;
	uint64_t readings[] = {s->kind, group->zone, s->seconds, s->minutes, s->hours};
	int64_t period[] = {s->kind, s->period, group->phase};

	if (s->kind == SHAPE_PERIOD)
		return str_hash(STR_HASH_INIT, period, sizeof(period));
	if (s->times)
		return str_hash(STR_HASH_INIT, s->times, s->time_count * sizeof(*s->times));
	return str_hash(STR_HASH_INIT, readings, sizeof(readings));
}

static size_t group_index(struct counter *c, const struct group *group)
{
	size_t at = hash_group(group) & (c->slot_count - 1);

	for (; c->slots[at]; at = (at + 1) & (c->slot_count - 1))
		if (same_group(&c->groups[c->slots[at] - 1], group))
			return c->slots[at] - 1;
	if (c->group_count == c->group_capacity) {
		c->group_capacity = c->group_capacity ? c->group_capacity * 2 : 16;
		c->groups = mem_resize(c->groups, c->group_capacity * sizeof(*c->groups));
	}
	c->groups[c->group_count] = *group;
	c->slots[at] = c->group_count + 1;
	return c->group_count++;
}

static void find_group(struct counter *c, size_t job)
{
	const struct schedule *schedule = c->question->jobs[job].schedule;
	struct group group = {.shape = shape_of(schedule)};

	group.zone = c->zone_of[job] = zone_index(c, schedule_zone(schedule));
	if (group.shape.kind == SHAPE_PERIOD)
		group.phase = group.shape.origin % group.shape.period;
	bool is_walked = group.shape.kind == SHAPE_OTHER || schedule_jitter_max_ms(schedule) > 0 ||
			 (group.shape.kind == SHAPE_PERIOD && group.shape.has_exceptions);
	c->group_of[job] = is_walked ? NO_GROUP : (ptrdiff_t)group_index(c, &group);
}

static void find_groups(struct counter *c)
{
	size_t count = c->question->job_count;

	for (c->slot_count = 16; c->slot_count < 2 * count;)
		c->slot_count *= 2;
	c->slots = mem_alloc(c->slot_count * sizeof(*c->slots));
	c->group_of = mem_alloc((count + 1) * sizeof(*c->group_of));
	c->zone_of = mem_alloc((count + 1) * sizeof(*c->zone_of));
	for (size_t i = 0; i < count; i++)
		find_group(c, i);
}

/* ---- the days of a zone ---- */

static size_t pattern_index(struct counter *c, int32_t offset)
{
	for (size_t i = 0; i < c->pattern_count; i++)
		if (c->patterns[i].offset == offset)
			return i;
	if (c->pattern_count == c->pattern_capacity) {
		c->pattern_capacity = c->pattern_capacity ? c->pattern_capacity * 2 : 4;
		c->patterns = mem_resize(c->patterns, c->pattern_capacity * sizeof(*c->patterns));
	}
	memset(&c->patterns[c->pattern_count], 0, sizeof(*c->patterns));
	c->patterns[c->pattern_count].offset = offset;
	return c->pattern_count++;
}

/* The change lies inside the day if no reading of another date is shown for it, and
 * none of this date elsewhere. */
static void note_change(struct zone_days *z, size_t i, int64_t day,
			const struct zone_transition *change)
{
	int64_t before = change->utc_s + change->offset_before;
	int64_t after = change->utc_s + change->offset_after;
	bool is_inside =
		smaller(before, after) > day * DAY_S && larger(before, after) < (day + 1) * DAY_S;

	if (is_inside)
		z->changed_inside |= UINT64_C(1) << i;
	else
		z->changed_at_edge |= UINT64_C(1) << i;
}

static void measure_zone(struct counter *c, struct zone_days *z)
{
	z->changed_inside = z->changed_at_edge = 0;
	for (size_t i = 0; i < c->day_count; i++) {
		struct local_day *d = &z->days[i];
		int64_t day = c->first_day + (int64_t)i;
		struct zone_transition change;

		d->begin = i ? z->days[i - 1].end : moment_of_reading(z->zone, day * DAY_S);
		d->end = moment_of_reading(z->zone, (day + 1) * DAY_S);
		d->pattern = pattern_index(c, zone_offset(z->zone, d->begin));
		for (int64_t at = d->begin - 1;
		     zone_next_transition(z->zone, at, &change) && change.utc_s <= d->end;
		     at = change.utc_s)
			note_change(z, i, day, &change);
	}
	z->changed_inside &= ~z->changed_at_edge;
}

/* ---- each job to its group, or walked ---- */

static void walk(struct counter *c, const struct schedule *schedule, int64_t begin, int64_t end,
		 uint32_t count)
{
	struct forecast_walk walk = {.schedule = schedule,
				     .from_s = larger(begin, c->from),
				     .to_s = smaller(end, c->to)};

	while (forecast_walk_next(&walk))
		add(c, walk.start.ms / MS, count);
}

/* Bit i: it fires on day i. */
static uint64_t days_of(const struct counter *c, const struct schedule *schedule)
{
	uint64_t days = 0;

	for (int64_t i = 0; i < (int64_t)c->day_count;) {
		struct civil_date date = civil_from_days(c->first_day + i);
		uint64_t month = shape_days(schedule, date.year, date.month);

		days |= month >> date.day << i;
		i += civil_month_length(date.year, date.month) - date.day + 1;
	}
	return days & ((UINT64_C(1) << c->day_count) - 1);
}

/* The days that lie between its start and its end as a whole. */
static uint64_t days_within(const struct counter *c, const struct zone_days *z,
			    const struct shape *shape)
{
	uint64_t days = 0;

	if (shape->not_before <= z->days[0].begin &&
	    shape->not_from >= z->days[c->day_count - 1].end)
		return UINT64_MAX;
	for (size_t i = 0; i < c->day_count; i++)
		if (shape->not_before <= z->days[i].begin && shape->not_from >= z->days[i].end)
			days |= UINT64_C(1) << i;
	return days;
}

static void place_days(struct counter *c, size_t job, struct group *group)
{
	const struct schedule *schedule = c->question->jobs[job].schedule;
	const struct zone_days *z = &c->zones[group->zone];
	struct shape shape = shape_of(schedule);
	uint64_t firing = days_of(c, schedule), within = days_within(c, z, &shape);
	uint64_t counted = firing & within & ~z->changed_at_edge;

	for (uint64_t left = counted; left; left &= left - 1) {
		int i = __builtin_ctzll(left);
		group->counts[i]++;
		group->example[i] = job;
	}
	uint64_t walked = (firing & ~within) | z->changed_at_edge;
	for (uint64_t left = walked; left; left &= left - 1) {
		const struct local_day *d = &z->days[__builtin_ctzll(left)];
		walk(c, schedule, d->begin, d->end, 1);
	}
}

static void place_period(struct counter *c, size_t job, struct group *group)
{
	const struct schedule *schedule = c->question->jobs[job].schedule;
	struct shape shape = shape_of(schedule);
	int64_t first = larger(shape.origin, shape.not_before);

	if (first <= c->from && shape.not_from >= c->to)
		group->counts[0]++;
	else
		walk(c, schedule, c->from, c->to, 1);
}

static void place_jobs(struct counter *c)
{
	size_t count = c->question->job_count;

	for (size_t i = 0; i < count; i++) {
		struct group *group =
			c->group_of[i] == NO_GROUP ? NULL : &c->groups[c->group_of[i]];

		if (!group)
			walk(c, c->question->jobs[i].schedule, c->from, c->to, 1);
		else if (group->shape.kind == SHAPE_PERIOD)
			place_period(c, i, group);
		else
			place_days(c, i, group);
		tick(c, i, count);
	}
}

/* ---- groups to seconds ---- */

static void add_readings(struct counter *c, const struct shape *s, int64_t begin, uint32_t count)
{
	for (uint32_t hours = s->hours; hours; hours &= hours - 1)
		for (uint64_t minutes = s->minutes; minutes; minutes &= minutes - 1) {
			int64_t at = begin + __builtin_ctz(hours) * HOUR_S +
				     __builtin_ctzll(minutes) * INT64_C(60);
			for (uint64_t seconds = s->seconds; seconds; seconds &= seconds - 1)
				add(c, at + __builtin_ctzll(seconds), count);
		}
}

/* Second 0 of any minutes and hours: what five fields say. The hour is drawn up once
 * and added whole, which a machine does in few steps. */
static void add_minutes(struct pattern *p, const struct shape *s, uint32_t count)
{
	uint32_t hour[60] = {0};

	p->is_used = true;
	for (uint64_t minutes = s->minutes; minutes; minutes &= minutes - 1)
		hour[__builtin_ctzll(minutes)] = count;
	for (uint32_t hours = s->hours; hours; hours &= hours - 1) {
		uint32_t *row = p->at_zero[__builtin_ctz(hours)];

		for (int minute = 0; minute < 60; minute++)
			row[minute] += hour[minute];
	}
}

static void add_to_pattern(struct pattern *p, const struct shape *s, uint32_t count)
{
	p->is_used = true;
	for (uint64_t seconds = s->seconds; seconds; seconds &= seconds - 1) {
		int second = __builtin_ctzll(seconds);

		if (s->hours != SHAPE_ALL_HOURS)
			for (uint32_t hours = s->hours; hours; hours &= hours - 1)
				p->of_hour[__builtin_ctz(hours)][second] += count;
		else if (s->minutes == SHAPE_ALL_SIXTY)
			p->each_minute[second] += count;
		else
			for (uint64_t minutes = s->minutes; minutes; minutes &= minutes - 1)
				p->each_hour[__builtin_ctzll(minutes)][second] += count;
	}
}

static void add_day_of(struct counter *c, const struct group *group, size_t i)
{
	const struct zone_days *z = &c->zones[group->zone];
	const struct shape *s = &group->shape;
	const struct local_day *d = &z->days[i];
	uint32_t count = group->counts[i];

	if (z->changed_inside >> i & 1)
		walk(c, c->question->jobs[group->example[i]].schedule, d->begin, d->end, count);
	else if (s->times)
		for (size_t k = 0; k < s->time_count; k++)
			add(c, d->begin + s->times[k], count);
	else if (s->minutes == SHAPE_ALL_SIXTY || s->hours == SHAPE_ALL_HOURS)
		add_to_pattern(&c->patterns[d->pattern], s, count);
	else if (s->seconds == 1)
		add_minutes(&c->patterns[d->pattern], s, count);
	else
		add_readings(c, s, d->begin, count);
}

/* Lays what was gathered over the day that begins there. */
static void lay_pattern(struct counter *c, struct pattern *p, int64_t begin)
{
	for (int64_t minute = 0; minute < 24 * 60; minute++) {
		const uint32_t *of_hour = p->of_hour[minute / 60], *row = p->each_hour[minute % 60];
		int64_t at = begin + minute * 60 - c->from;

		if (at <= -60 || at >= c->to - c->from)
			continue;
		if (at >= 0)
			c->starts[at] += p->at_zero[minute / 60][minute % 60];
		int64_t first = larger(0, -at), end = smaller(60, c->to - c->from - at);
		uint32_t *starts = &c->starts[at + first];
		for (int64_t second = first; second < end; second++)
			*starts++ += p->each_minute[second] + of_hour[second] + row[second];
	}
	int32_t offset = p->offset;
	memset(p, 0, sizeof(*p));
	p->offset = offset;
}

static void add_groups(struct counter *c)
{
	for (size_t i = 0; i < c->day_count; i++) {
		for (size_t k = 0; k < c->group_count; k++)
			if (c->groups[k].shape.kind == SHAPE_DAYS && c->groups[k].counts[i])
				add_day_of(c, &c->groups[k], i);
		for (size_t k = 0; k < c->pattern_count; k++)
			if (c->patterns[k].is_used)
				lay_pattern(c, &c->patterns[k],
					    (c->first_day + (int64_t)i) * DAY_S -
						    c->patterns[k].offset);
	}
}

static void add_period(struct counter *c, const struct group *group)
{
	int64_t period = group->shape.period, past = c->from - group->phase;
	int64_t at = group->phase + (floor_div(past - 1, period) + 1) * period;

	for (; at < c->to; at += period)
		c->starts[at - c->from] += group->counts[0];
}

/* ---- from seconds to what is asked ---- */

/* Among equals the first one stays in front. */
static void note_busy(const struct counter *c, int64_t at_s, uint32_t count)
{
	struct forecast *out = c->out;
	size_t most = c->question->busiest_max;
	size_t i = out->busiest_count < most ? out->busiest_count++ : most - 1;

	for (; i > 0 && out->busiest[i - 1].count < count; i--)
		out->busiest[i] = out->busiest[i - 1];
	out->busiest[i] = (struct forecast_second){at_s, count};
}

/* A second has to have more than this to be noted. */
static uint32_t busy_floor(const struct counter *c)
{
	const struct forecast *out = c->out;
	size_t most = c->question->busiest_max;

	if (most == 0)
		return UINT32_MAX;
	return out->busiest_count < most ? 0 : out->busiest[most - 1].count;
}

/* Seconds within one hour of the clock. */
static void sum_stretch(const struct counter *c, int64_t begin, int64_t end, int64_t local_s)
{
	const uint32_t *starts = c->starts + (begin - c->from);
	int64_t day = floor_div(local_s, DAY_S), length = end - begin;
	int32_t hour = (int32_t)((local_s - day * DAY_S) / HOUR_S);
	struct forecast *out = c->out;
	uint64_t sum = 0;
	uint32_t most = 0;

	for (int64_t i = 0; i < length; i++) {
		sum += starts[i];
		most = starts[i] > most ? starts[i] : most;
	}
	out->total += sum;
	out->by_hour[(civil_weekday(day) + 6) % FORECAST_WEEKDAYS][hour] += sum;
	if (floor_div(local_s, HOUR_S) * HOUR_S == local_s) {
		out->on_the_hour += starts[0];
		if (starts[0] > out->fullest[hour].count)
			out->fullest[hour] = (struct forecast_second){begin, starts[0]};
	}
	for (int64_t i = 0; i < length && most > busy_floor(c); i++)
		if (starts[i] > busy_floor(c))
			note_busy(c, begin + i, starts[i]);
}

static void sum_part(const struct counter *c)
{
	const struct zone *zone = c->question->zone;
	struct zone_transition change;
	int64_t next_change = zone_next_transition(zone, c->from, &change) ? change.utc_s : c->to;

	for (int64_t at = c->from, end; at < c->to; at = end) {
		if (at == next_change)
			next_change =
				zone_next_transition(zone, at, &change) ? change.utc_s : c->to;
		int64_t local_s = at + zone_offset(zone, at);
		int64_t hour_end = at + HOUR_S - (local_s - floor_div(local_s, HOUR_S) * HOUR_S);

		end = smaller(smaller(hour_end, next_change), c->to);
		sum_stretch(c, at, end, local_s);
	}
}

static void count_part(struct counter *c)
{
	c->first_day = floor_div(c->from, DAY_S) - MARGIN_DAYS;
	c->day_count = (size_t)(floor_div(c->to - 1, DAY_S) - c->first_day + 1 + MARGIN_DAYS);
	assert(c->day_count <= DAYS_MAX);
	memset(c->starts, 0, (size_t)(c->to - c->from) * sizeof(*c->starts));
	for (size_t i = 0; i < c->zone_count; i++)
		measure_zone(c, &c->zones[i]);
	for (size_t i = 0; i < c->group_count; i++)
		memset(c->groups[i].counts, 0, sizeof(c->groups[i].counts));
	place_jobs(c);
	add_groups(c);
	for (size_t i = 0; i < c->group_count; i++)
		if (c->groups[i].shape.kind == SHAPE_PERIOD && c->groups[i].counts[0])
			add_period(c, &c->groups[i]);
	sum_part(c);
}

void forecast_count(const struct forecast_question *question, struct forecast *out)
{
	struct counter c = {.question = question, .out = out};
	int64_t span = smaller(question->to_s - question->from_s, PART_DAYS * DAY_S);

	*out = (struct forecast){0};
	assert(question->busiest_max <= FORECAST_BUSIEST_MAX);
	if (span <= 0)
		return;
	find_groups(&c);
	c.starts = mem_alloc((size_t)span * sizeof(*c.starts));
	/* Parts begin and end at midnight UTC, so that none touches more days than it may. */
	for (c.from = question->from_s; c.from < question->to_s; c.from = c.to) {
		c.to = smaller((floor_div(c.from, DAY_S) + PART_DAYS) * DAY_S, question->to_s);
		count_part(&c);
	}
	free(c.starts);
	free(c.zones);
	free(c.groups);
	free(c.slots);
	free(c.group_of);
	free(c.zone_of);
	free(c.patterns);
}

/* ---- one by one ---- */

bool forecast_walk_next(struct forecast_walk *w)
{
	int64_t jitter_ms = schedule_jitter_max_ms(w->schedule);

	if (!w->has_begun)
		w->scheduled.ms = w->from_s * MS - jitter_ms - 1;
	w->has_begun = true;
	while (w->scheduled.ms < w->to_s * MS &&
	       schedule_next_after(w->schedule, w->scheduled, &w->scheduled)) {
		w->start = utc_add(w->scheduled, schedule_jitter_ms(w->schedule, w->scheduled));
		if (w->scheduled.ms >= w->to_s * MS)
			break;
		if (w->start.ms >= w->from_s * MS && w->start.ms < w->to_s * MS)
			return true;
	}
	return false;
}

bool forecast_starts_in(const struct schedule *schedule, int64_t second)
{
	struct forecast_walk walk = {.schedule = schedule, .from_s = second, .to_s = second + 1};

	return forecast_walk_next(&walk);
}

size_t forecast_names(const struct forecast_question *question, int64_t second, const char **names,
		      size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < question->job_count && count < max; i++)
		if (forecast_starts_in(question->jobs[i].schedule, second))
			names[count++] = question->jobs[i].name;
	return count;
}

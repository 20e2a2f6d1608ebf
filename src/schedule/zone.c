/* zone.c - zones made from TZif data, and what can be asked of them; see zone.h. */
#include "zone.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "civil.h"
#include "mem.h"
#include "str.h"
#include "tzif.h"
#include "zone_table.h"

enum { DAY_S = 86400, NAME_MAX_BYTES = 64, FIRST_RULE_YEAR = 1800, SPANS_A_RULE = 8 };
#define FIRST_RULE_S INT64_C(-5364662400) /* 1800-01-01T00:00:00Z */

/* A zone under construction. */
struct builder {
	struct zone_segment *segments;
	uint32_t count;
};

static const uint16_t utc_index[ZONE_BUCKETS + 1];
static const struct zone_segment utc_segments[] = {{INT64_MIN, 0, 0}, {INT64_MAX, 0, 0}};
static const struct zone utc_zone = {
	.name = "UTC",
	.names = "UTC",
	.segments = utc_segments,
	.index = utc_index,
	.count = 1,
};

const struct zone *zone_utc(void)
{
	return &utc_zone;
}

static bool same_time(const struct zone_segment *a, const struct zone_segment *b)
{
	return a->offset == b->offset && a->abbreviation == b->abbreviation;
}

/* A later segment for the same instant replaces the earlier one, and one that
 * changes nothing is left out. */
static void append(struct builder *b, int64_t start, int32_t offset, uint32_t abbreviation)
{
	struct zone_segment segment = {start, offset, abbreviation};

	if (b->count && b->segments[b->count - 1].start >= start) {
		if (b->segments[b->count - 1].start > start)
			return;
		b->count--;
	}
	if (b->count && same_time(&b->segments[b->count - 1], &segment))
		return;
	if (!b->count)
		segment.start = INT64_MIN;
	b->segments[b->count++] = segment;
}

static int32_t year_of(int64_t utc_s)
{
	return civil_from_days(utc_s / DAY_S - (utc_s % DAY_S < 0)).year;
}

static void append_rule_state(struct builder *b, const struct zone *zone, int64_t start, bool dst)
{
	uint32_t dst_name = zone->rule_names + (uint32_t)strlen(zone->rule.std_name) + 1;

	append(b, start, dst ? zone->rule.dst_offset : zone->rule.std_offset,
	       dst ? dst_name : zone->rule_names);
}

/*
 * The footer holds from the last transition on (from ever where there is none).
 * The local time of that last transition lasts until the rule's next one: slim
 * files by zic of 2022 end on transitions with which their rule does not agree at
 * once (America/Ojinaga, 2022-10-30), and the transition is right.
 */
static void unroll_rule(struct builder *b, const struct zone *zone, bool has_times, int64_t last)
{
	bool is_old = !has_times || last < FIRST_RULE_S;
	int32_t year = is_old ? FIRST_RULE_YEAR : year_of(last);

	if (!has_times)
		append_rule_state(b, zone, INT64_MIN, false);
	if (!zone->rule.has_dst)
		return;
	for (; year <= ZONE_UNROLLED_YEAR; year++) {
		struct posixtz_year y = posixtz_year(&zone->rule, year);
		bool end_first = y.end < y.start;

		for (int i = 0; i < 2; i++) {
			bool dst = (i == 0) != end_first;
			int64_t start = dst ? y.start : y.end;

			if (!has_times || start > last)
				append_rule_state(b, zone, start, dst);
		}
	}
}

/* Abbreviations keep the places they have in the file; the rule's follow. */
static void name_zone(struct zone *zone, const char *name, const struct tzif *tzif)
{
	size_t std = strlen(zone->rule.std_name) + 1, dst = strlen(zone->rule.dst_name) + 1;
	char *names = mem_alloc(tzif->names_length + std + dst);

	memcpy(names, tzif->names, tzif->names_length);
	memcpy(names + tzif->names_length, zone->rule.std_name, std);
	memcpy(names + tzif->names_length + std, zone->rule.dst_name, dst);
	zone->names = names;
	zone->rule_names = (uint32_t)tzif->names_length;
	zone->name = mem_copy_text(name);
}

static const uint16_t *make_index(const struct zone *zone)
{
	uint16_t *index = mem_alloc((ZONE_BUCKETS + 1) * sizeof(*index));

	for (int64_t i = 0; i <= ZONE_BUCKETS; i++) {
		int64_t start = ZONE_INDEX_FROM + i * (INT64_C(1) << ZONE_BUCKET_SHIFT);

		index[i] = (uint16_t)zone_search(zone, 0, zone->count - 1, start);
	}
	return index;
}

/* By offsets alone: fat and slim files of the same rules list other segments, and a
 * new abbreviation moves no fire. */
static uint64_t hash_rules(const struct zone *zone)
{
	int32_t offset = zone->segments[0].offset;
	uint64_t hash = str_hash(STR_HASH_INIT, &offset, sizeof(offset));

	for (uint32_t i = 1; i < zone->count; i++) {
		if (zone->segments[i].offset == offset)
			continue;
		offset = zone->segments[i].offset;
		hash = str_hash(hash, &zone->segments[i].start, sizeof(int64_t));
		hash = str_hash(hash, &offset, sizeof(offset));
	}
	return hash;
}

static size_t most_segments(const struct zone *zone, const struct tzif *tzif)
{
	size_t years = zone->rule.has_dst ? ZONE_UNROLLED_YEAR - FIRST_RULE_YEAR + 1 : 0;

	return tzif->time_count + 2 * years + 3;
}

static void fill(struct zone *zone, const struct tzif *tzif, bool has_footer)
{
	struct builder b = {mem_alloc(most_segments(zone, tzif) * sizeof(*b.segments)), 0};
	size_t n = tzif->time_count;

	append(&b, INT64_MIN, tzif_type_offset(tzif, 0), (uint32_t)tzif_type_name(tzif, 0));
	for (size_t i = 0; i < n; i++) {
		size_t type = tzif_time_type(tzif, i);

		append(&b, tzif_time(tzif, i), tzif_type_offset(tzif, type),
		       (uint32_t)tzif_type_name(tzif, type));
	}
	if (has_footer)
		unroll_rule(&b, zone, n > 0, n ? tzif_time(tzif, n - 1) : 0);
	b.segments[b.count] = (struct zone_segment){.start = INT64_MAX};
	zone->segments = mem_resize(b.segments, (b.count + 1) * sizeof(*b.segments));
	zone->count = b.count;
	zone->has_rule = has_footer && zone->rule.has_dst;
	zone->index = make_index(zone);
	zone->rules = hash_rules(zone);
}

struct zone *zone_create(const char *name, const void *tzif_data, size_t length, struct err *err)
{
	struct tzif tzif;
	struct posixtz rule = {0};

	if (!tzif_open(tzif_data, length, &tzif, err))
		return NULL;
	if (tzif.footer_length && !posixtz_parse(tzif.footer, tzif.footer_length, &rule, err))
		return NULL;
	struct zone *zone = mem_alloc(sizeof(*zone));
	zone->rule = rule;
	name_zone(zone, name, &tzif);
	fill(zone, &tzif, tzif.footer_length > 0);
	return zone;
}

void zone_destroy(struct zone *zone)
{
	if (!zone)
		return;
	assert(zone != &utc_zone);
	free((void *)(uintptr_t)zone->name);
	free((void *)(uintptr_t)zone->names);
	free((void *)(uintptr_t)zone->segments);
	free((void *)(uintptr_t)zone->index);
	free(zone);
}

const char *zone_name(const struct zone *zone)
{
	return zone->name;
}

uint64_t zone_rules(const struct zone *zone)
{
	return zone->rules;
}

/* One stretch of constant offset, from the table or, after its end, the rule. */
struct span {
	int64_t start, end;
	int32_t offset;
	uint32_t abbreviation;
};

static struct span span_by_rule(const struct zone *zone, int64_t utc_s)
{
	const struct posixtz *rule = &zone->rule;
	struct span span = {INT64_MIN, INT64_MAX, 0, 0};
	/* Beyond 2^55 s there are no civil years to count; the clock stands still. */
	int64_t limit = INT64_C(1) << 55;
	int32_t year = year_of(utc_s > limit ? limit : utc_s < -limit ? -limit : utc_s);
	bool dst = false;

	for (int32_t y = year - 1; y <= year + 1; y++) {
		struct posixtz_year t = posixtz_year(rule, y);

		for (int i = 0; i < 2; i++) {
			int64_t at = i == 0 ? t.start : t.end;

			if (at > utc_s && at < span.end)
				span.end = at;
			if (at <= utc_s && (at > span.start || (at == span.start && i == 0))) {
				span.start = at;
				dst = i == 0;
			}
		}
	}
	span.offset = dst ? rule->dst_offset : rule->std_offset;
	span.abbreviation = zone->rule_names + (dst ? (uint32_t)strlen(rule->std_name) + 1 : 0);
	return span;
}

static struct span span_at(const struct zone *zone, int64_t utc_s)
{
	uint32_t i = zone_segment_at(zone, utc_s);
	const struct zone_segment *s = &zone->segments[i];

	if (zone->has_rule && i + 1 == zone->count)
		return span_by_rule(zone, utc_s);
	return (struct span){s->start, s[1].start, s->offset, s->abbreviation};
}

int32_t zone_offset(const struct zone *zone, int64_t utc_s)
{
	return span_at(zone, utc_s).offset;
}

const char *zone_abbreviation(const struct zone *zone, int64_t utc_s)
{
	return zone->names + span_at(zone, utc_s).abbreviation;
}

int zone_instants(const struct zone *zone, int64_t local_s, int64_t utc_s[2])
{
	int found = 0;

	if (local_s < INT64_MIN + ZONE_SHIFT_MAX || local_s > INT64_MAX - ZONE_SHIFT_MAX)
		return 0;
	for (struct span s = span_at(zone, local_s - ZONE_SHIFT_MAX); found < 2;
	     s = span_at(zone, s.end)) {
		int64_t u = local_s - s.offset;

		if (u >= s.start && u < s.end)
			utc_s[found++] = u;
		if (s.end > local_s + ZONE_SHIFT_MAX)
			break;
	}
	return found;
}

bool zone_next_transition(const struct zone *zone, int64_t utc_s, struct zone_transition *out)
{
	struct span now = span_at(zone, utc_s);
	/* A rule of daylight saving time all year long changes nothing for ever. */
	int tries = (int)zone->count + SPANS_A_RULE;

	for (; now.end != INT64_MAX && tries; tries--) {
		struct span next = span_at(zone, now.end);

		if (next.offset != now.offset) {
			*out = (struct zone_transition){now.end, now.offset, next.offset};
			return true;
		}
		now = next;
	}
	return false;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "UTC+5" is a POSIX string that means five hours west; only GMT+0 and GMT-0 are
 * zone names of that look outside Etc/. */
static bool is_posix_offset(const char *name)
{
	const char *sign = strpbrk(name, "+-");

	return sign && is_digit(sign[1]) && strncmp(name, "Etc/", 4) != 0 &&
	       strcmp(name, "GMT+0") != 0 && strcmp(name, "GMT-0") != 0;
}

bool zone_name_is_plausible(const char *name)
{
	static const char *const no_zones[] = {"localtime", "posixrules", "Factory", "leapseconds"};
	bool part_starts = true;

	if (strncmp(name, "posix/", 6) == 0 || strncmp(name, "right/", 6) == 0)
		return false;
	for (size_t i = 0; i < sizeof(no_zones) / sizeof(no_zones[0]); i++)
		if (strcmp(name, no_zones[i]) == 0)
			return false;
	for (const char *at = name; *at; at++) {
		if (at - name >= NAME_MAX_BYTES)
			return false;
		if (part_starts ? !is_letter(*at)
				: !is_letter(*at) && !is_digit(*at) && !strchr("_+-/", *at))
			return false;
		part_starts = *at == '/';
	}
	return !part_starts && !is_posix_offset(name);
}

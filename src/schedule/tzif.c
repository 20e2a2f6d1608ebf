/* tzif.c - reading TZif bytes; see tzif.h. */
#include "tzif.h"

#include <string.h>

enum { HEADER = 44, TYPE_SIZE = 6, TIMES_MAX = 20000, TYPES_MAX = 256 };
/* RFC 9636, section 3.2, asks offsets to lie within these. */
enum { OFFSET_MIN = -89999, OFFSET_MAX = 93599 };
/* zic's "big bang" is -2^59; the year 30,000 is the far end. */
#define TIME_MIN (-(INT64_C(1) << 60))
#define TIME_MAX (INT64_C(1) << 40)

/* Counts of the header in the order of the file. */
struct counts {
	size_t ut, std, leap, time, type, name;
};

static uint32_t read_u32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t read_i64(const unsigned char *p)
{
	return (int64_t)((uint64_t)read_u32(p) << 32 | read_u32(p + 4));
}

int64_t tzif_time(const struct tzif *tzif, size_t i)
{
	const unsigned char *p = tzif->times + i * tzif->time_size;

	return tzif->time_size == 8 ? read_i64(p) : (int32_t)read_u32(p);
}

size_t tzif_time_type(const struct tzif *tzif, size_t i)
{
	return tzif->time_types[i];
}

int32_t tzif_type_offset(const struct tzif *tzif, size_t type)
{
	return (int32_t)read_u32(tzif->types + type * TYPE_SIZE);
}

size_t tzif_type_name(const struct tzif *tzif, size_t type)
{
	return tzif->types[type * TYPE_SIZE + 5];
}

static bool read_header(const unsigned char *data, size_t length, size_t at, struct counts *c,
			struct err *err)
{
	if (length < at || length - at < HEADER)
		return err_set(err, "ends inside the header at byte %zu", at);
	if (memcmp(data + at, "TZif", 4) != 0)
		return err_set(err, "no TZif data: the mark \"TZif\" is missing at byte %zu", at);
	const unsigned char *p = data + at + 20;
	*c = (struct counts){read_u32(p),      read_u32(p + 4),  read_u32(p + 8),
			     read_u32(p + 12), read_u32(p + 16), read_u32(p + 20)};
	return true;
}

static size_t block_size(const struct counts *c, size_t time_size)
{
	return c->time * time_size + c->time + c->type * TYPE_SIZE + c->name +
	       c->leap * (time_size + 4) + c->std + c->ut;
}

static bool check_counts(const struct counts *c, size_t at, struct err *err)
{
	if (c->leap)
		return err_set(err, "counts leap seconds (byte %zu), which UTC clocks do not",
			       at + 28);
	if (c->type < 1 || c->type > TYPES_MAX)
		return err_set(err, "has %zu local time types at byte %zu; 1 to 256 are possible",
			       c->type, at + 36);
	if (c->time > TIMES_MAX)
		return err_set(err, "has %zu transitions at byte %zu; more than %d are refused",
			       c->time, at + 32, TIMES_MAX);
	if (c->name < 1)
		return err_set(err, "has no names of local time at byte %zu", at + 40);
	if ((c->std && c->std != c->type) || (c->ut && c->ut != c->type))
		return err_set(err, "has indicators for other than all types at byte %zu", at + 20);
	return true;
}

static bool check_times(const struct tzif *t, const unsigned char *data, struct err *err)
{
	for (size_t i = 0; i < t->time_count; i++) {
		int64_t time = tzif_time(t, i);
		size_t at = (size_t)(t->times - data) + i * t->time_size;

		if (time > TIME_MAX || time < TIME_MIN)
			return err_set(err, "has a transition outside all time at byte %zu", at);
		if (i && time <= tzif_time(t, i - 1))
			return err_set(err, "has transitions out of order at byte %zu", at);
		if (t->time_types[i] >= t->type_count)
			return err_set(err, "names a local time type that is missing at byte %zu",
				       (size_t)(t->time_types - data) + i);
	}
	return true;
}

/* A name must end inside the block, and is shown to people: no control characters. */
static bool name_is_sound(const struct tzif *t, size_t from)
{
	for (size_t i = from; i < t->names_length; i++) {
		if (t->names[i] == '\0')
			return true;
		if (t->names[i] <= ' ' || t->names[i] > '~')
			return false;
	}
	return false;
}

static bool check_types(const struct tzif *t, const unsigned char *data, struct err *err)
{
	for (size_t i = 0; i < t->type_count; i++) {
		size_t at = (size_t)(t->types - data) + i * TYPE_SIZE;
		int32_t offset = tzif_type_offset(t, i);

		if (offset < OFFSET_MIN || offset > OFFSET_MAX)
			return err_set(err, "has an offset of %d s at byte %zu; a day is the most",
				       offset, at);
		if (t->types[i * TYPE_SIZE + 4] > 1)
			return err_set(err, "has a daylight mark other than 0 or 1 at byte %zu",
				       at + 4);
		if (!name_is_sound(t, tzif_type_name(t, i)))
			return err_set(err, "has an unreadable name of local time at byte %zu",
				       at + 5);
	}
	return true;
}

static bool open_block(const unsigned char *data, size_t length, size_t at, size_t time_size,
		       struct tzif *t, struct err *err)
{
	struct counts c = {0};

	if (!read_header(data, length, at, &c, err) || !check_counts(&c, at, err))
		return false;
	if (length - at - HEADER < block_size(&c, time_size))
		return err_set(err, "ends inside its data at byte %zu", length);
	t->time_size = time_size;
	t->time_count = c.time;
	t->type_count = c.type;
	t->names_length = c.name;
	t->times = data + at + HEADER;
	t->time_types = t->times + c.time * time_size;
	t->types = t->time_types + c.time;
	t->names = (const char *)t->types + c.type * TYPE_SIZE;
	return check_times(t, data, err) && check_types(t, data, err);
}

static bool open_footer(const unsigned char *data, size_t length, size_t at, struct tzif *t,
			struct err *err)
{
	if (at >= length || data[at] != '\n')
		return err_set(err, "has no footer at byte %zu", at);
	const unsigned char *first = data + at + 1;
	const unsigned char *end = memchr(first, '\n', length - at - 1);
	if (!end)
		return err_set(err, "has a footer without an end at byte %zu", at);
	t->footer = (const char *)first;
	t->footer_length = (size_t)(end - first);
	return true;
}

bool tzif_open(const void *data, size_t length, struct tzif *out, struct err *err)
{
	const unsigned char *bytes = data;
	struct counts c = {0};

	*out = (struct tzif){0};
	if (!read_header(bytes, length, 0, &c, err))
		return false;
	if (bytes[4] == '\0')
		return open_block(bytes, length, 0, 4, out, err);
	if (bytes[4] < '2')
		return err_set(err, "has the unknown version 0x%02x at byte 4", bytes[4]);
	/* The first block only serves readers of version 1. */
	size_t second = HEADER + block_size(&c, 4);
	if (!open_block(bytes, length, second, 8, out, err))
		return false;
	if (!read_header(bytes, length, second, &c, err))
		return false;
	return open_footer(bytes, length, second + HEADER + block_size(&c, 8), out, err);
}

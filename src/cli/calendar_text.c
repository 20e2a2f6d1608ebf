/* calendar_text.c - a calendar form written as JSON; see calendar_text.h. */
#include "calendar_text.h"

#include <jansson.h>
#include <string.h>

#include "str.h"

/* The members, and where each goes. */
struct slot {
	const char *key;
	enum schedule_part part;
	const char **one;          /* a single text */
	const char *const **items; /* a list */
	size_t *count;
};
enum { SLOT_COUNT = 7 };

static void make_slots(struct calendar_form *form, struct slot slots[SLOT_COUNT])
{
	const struct slot all[SLOT_COUNT] = {
		{"every", SCHEDULE_EVERY, &form->every, NULL, NULL},
		{"at", SCHEDULE_AT, &form->at, NULL, NULL},
		{"month", SCHEDULE_MONTH, NULL, &form->month, &form->month_count},
		{"day", SCHEDULE_DAY, NULL, &form->day, &form->day_count},
		{"weekday", SCHEDULE_WEEKDAY, NULL, &form->weekday, &form->weekday_count},
		{"time", SCHEDULE_TIME, NULL, &form->time, &form->time_count},
		{"minute", SCHEDULE_MINUTE, NULL, &form->minute, &form->minute_count},
	};

	memcpy(slots, all, sizeof(all));
}

bool calendar_text_is(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '{';
}

/* A text or a whole number as text; NULL where it is neither. */
static const char *scalar(struct arena *arena, const json_t *value)
{
	if (json_is_integer(value))
		return arena_format(arena, "%lld", (long long)json_integer_value(value));
	if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value))
		return NULL;
	return arena_text(arena, json_string_value(value));
}

static bool read_list(struct arena *arena, const struct slot *slot, const json_t *value,
		      struct err *err)
{
	size_t count = json_is_array(value) ? json_array_size(value) : 1;
	const char **items = arena_array(arena, const char *, count + 1);

	if (count == 0)
		return err_set(err, "\"%s\" is an empty list", slot->key);
	for (size_t i = 0; i < count; i++) {
		items[i] = scalar(arena, json_is_array(value) ? json_array_get(value, i) : value);
		if (!items[i])
			return err_set(err, "\"%s\" takes a text, a number or a list of them",
				       slot->key);
	}
	*slot->items = items;
	*slot->count = count;
	return true;
}

static bool read_member(struct arena *arena, const struct slot *slot, const json_t *value,
			struct err *err)
{
	if (!slot->one)
		return read_list(arena, slot, value, err);
	*slot->one = scalar(arena, value);
	return *slot->one || err_set(err, "\"%s\" takes a text", slot->key);
}

static bool unknown_member(const char *key, const struct slot slots[SLOT_COUNT], struct err *err)
{
	const char *names[SLOT_COUNT];

	for (size_t i = 0; i < SLOT_COUNT; i++)
		names[i] = slots[i].key;
	const char *near = str_nearest(key, names, SLOT_COUNT);
	return err_set(err, "a calendar form has no member \"%.60s\"%s%s%s", key,
		       near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static bool read_members(struct arena *arena, json_t *object, struct calendar_form *form,
			 struct err *err)
{
	struct slot slots[SLOT_COUNT];
	const char *key;
	json_t *value;

	make_slots(form, slots);
	json_object_foreach(object, key, value)
	{
		size_t i = 0;

		while (i < SLOT_COUNT && strcmp(slots[i].key, key) != 0)
			i++;
		if (i == SLOT_COUNT)
			return unknown_member(key, slots, err);
		if (!read_member(arena, &slots[i], value, err))
			return false;
	}
	return true;
}

bool calendar_text_read(struct arena *arena, const char *text, struct calendar_form *form,
			struct err *err)
{
	json_error_t error;
	json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	*form = (struct calendar_form){0};
	if (!object)
		return err_set(err, "the calendar form is no JSON: %s (column %d)", error.text,
			       error.column);
	bool is_read = read_members(arena, object, form, err);
	json_decref(object);
	return is_read;
}

const char *calendar_text_key(enum schedule_part part)
{
	struct calendar_form form;
	struct slot slots[SLOT_COUNT];

	make_slots(&form, slots);
	for (size_t i = 0; i < SLOT_COUNT; i++)
		if (slots[i].part == part)
			return slots[i].key;
	return "schedule";
}

const char *calendar_text_value(const struct calendar_form *form,
				const struct schedule_error *error)
{
	struct calendar_form copy = *form;
	struct slot slots[SLOT_COUNT];

	make_slots(&copy, slots);
	for (size_t i = 0; i < SLOT_COUNT; i++) {
		if (slots[i].part != error->part)
			continue;
		if (slots[i].one)
			return *slots[i].one ? *slots[i].one : "";
		return error->index < *slots[i].count ? (*slots[i].items)[error->index] : "";
	}
	return "";
}

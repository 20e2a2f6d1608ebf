/* value_number.c - numbers, durations, sizes, masks; see value.h. */
#include "value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"

void value_keep_number(const struct slot *s, int64_t number)
{
	if (!s->row->is_kept)
		return;
	if (s->row->scale)
		number *= s->row->scale;
	int32_t narrow = (int32_t)number;
	if (s->row->width == sizeof(narrow))
		memcpy(value_target(s), &narrow, sizeof(narrow));
	else
		memcpy(value_target(s), &number, sizeof(number));
}

/* JSON knows no whole numbers: 5, 5.0 and 5e0 are one. */
bool value_whole_number(const struct loader *l, struct json_piece piece, int64_t *number)
{
	char copy[64];
	double value;

	if (piece.length >= sizeof(copy))
		return false;
	memcpy(copy, l->json.text + piece.at, piece.length);
	copy[piece.length] = '\0';
	value = strtod(copy, NULL);
	if (!(value >= -9e15 && value <= 9e15) || value != (double)(int64_t)value)
		return false;
	*number = (int64_t)value;
	return true;
}

static bool out_of_range(const struct slot *s)
{
	return loader_tell(s->l, SEVERITY_ERROR, s->at, s->l->json.at - s->at,
			   "out of range; it is a whole number from %lld to %lld",
			   (long long)s->row->least, (long long)s->row->most);
}

bool value_read_whole(struct slot *s, int64_t *number)
{
	struct json_piece piece = {0};

	json_peek(&s->l->json);
	s->at = s->l->json.at;
	if (!json_number(&s->l->json, &piece))
		return false;
	if (!value_whole_number(s->l, piece, number))
		return value_wrong(s, "a whole number");
	return (*number >= s->row->least && *number <= s->row->most) || out_of_range(s);
}

void value_read_integer(struct slot *s)
{
	int64_t number = 0;

	if (value_read_whole(s, &number))
		value_keep_number(s, number);
}

static bool has_unit(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && text[length - 1] >= 'a' && text[length - 1] <= 'z';
}

static bool duration_of_text(struct slot *s, int64_t *ms)
{
	const char *text = value_text(s->l, false, NULL);

	if (text && has_unit(text) && str_duration(text, strlen(text), ms))
		return true;
	return value_wrong(s, "a duration such as \"90s\", \"15m\", \"1h30m\" or \"2d\", or whole "
			      "seconds");
}

static bool duration_of_number(struct slot *s, int64_t *ms)
{
	struct json_piece piece = {0};
	int64_t seconds = 0;

	if (!json_number(&s->l->json, &piece))
		return false;
	if (!value_whole_number(s->l, piece, &seconds) || seconds < 0 ||
	    seconds > s->row->most / 1000)
		return value_wrong(s, "a number of whole seconds, or a duration such as \"1h30m\"");
	*ms = seconds * 1000;
	return true;
}

void value_read_duration(struct slot *s)
{
	bool is_text = json_peek(&s->l->json) == JSON_STRING;
	char least[DURATION_TEXT_MAX];
	int64_t ms = 0;

	if (!(is_text ? duration_of_text(s, &ms) : duration_of_number(s, &ms)))
		return;
	if (ms < s->row->least)
		loader_tell(s->l, SEVERITY_ERROR, s->at, s->l->json.at - s->at,
			    "too short; at least %s", str_duration_format(s->row->least, least));
	else
		value_keep_number(s, ms);
}

void value_read_fraction(struct slot *s)
{
	struct json_piece piece = {0};
	char copy[64];

	json_peek(&s->l->json);
	s->at = s->l->json.at;
	if (!json_number(&s->l->json, &piece))
		return;
	snprintf(copy, sizeof(copy), "%.*s", (int)piece.length, s->l->json.text + piece.at);
	double value = piece.length < sizeof(copy) ? strtod(copy, NULL) * 1000 : -1;
	if (value >= (double)s->row->least && value <= (double)s->row->most)
		value_keep_number(s, (int64_t)(value + 0.5));
	else
		loader_tell(s->l, SEVERITY_ERROR, s->at, s->l->json.at - s->at,
			    "out of range; it is a number from %g to %g",
			    (double)s->row->least / 1000, (double)s->row->most / 1000);
}

static bool size_of_text(const char *text, int64_t *bytes)
{
	static const char units[] = "KMGT";
	char *end;

	if (*text < '0' || *text > '9' || strlen(text) > 18)
		return false;
	*bytes = strtoll(text, &end, 10);
	const char *unit = *end ? strchr(units, *end) : NULL;
	if (!*end)
		return true;
	if (!unit || (end[1] && strcmp(end + 1, "B") != 0 && strcmp(end + 1, "iB") != 0))
		return false;
	return !__builtin_mul_overflow(*bytes, INT64_C(1) << (10 * (unit - units + 1)), bytes);
}

void value_read_size(struct slot *s)
{
	int64_t bytes = 0;

	if (json_peek(&s->l->json) == JSON_NUMBER) {
		value_read_integer(s);
		return;
	}
	const char *text = value_text(s->l, false, NULL);
	if (!text || !size_of_text(text, &bytes))
		value_wrong(s, "a size such as \"512M\" or \"2G\" (units of 1024), or whole bytes");
	else if (bytes < s->row->least || bytes > s->row->most)
		out_of_range(s);
	else
		value_keep_number(s, bytes);
}

void value_read_umask(struct slot *s)
{
	const char *text = value_text(s->l, false, NULL);
	size_t digits = text ? strspn(text, "01234567") : 0;
	long mask = text ? strtol(text, NULL, 8) : 0;

	if (!digits || text[digits] || digits > 4 || mask > 0777)
		value_wrong(s, "one to three octal digits in quotes, as in \"022\"");
	else
		value_keep_number(s, mask);
}

/* A class is kept as its first digit. */
void value_read_status(struct slot *s)
{
	if (json_peek(&s->l->json) == JSON_NUMBER) {
		value_read_integer(s);
		return;
	}
	const char *text = value_text(s->l, false, NULL);
	if (text && strlen(text) == 3 && text[0] >= '1' && text[0] <= '5' &&
	    strspn(text + 1, "Xx") == 2)
		value_keep_number(s, text[0] - '0');
	else
		value_wrong(s, "a status such as 200, or a class such as \"2xx\"");
}

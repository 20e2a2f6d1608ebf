/* expression.c - cutting a cron expression into pieces; see expression.h. */
#include "expression.h"

#include <string.h>
#include <strings.h>

#include "str.h"
#include "utf8.h"
#include "words.h"

enum { FIELDS_LEAST = 5 };

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static struct place place_of(const char *text, const char *at, size_t length)
{
	return (struct place){SCHEDULE_TEXT, 0, text, at, length};
}

static bool wrong_byte(const char *text, const char *at, const char *end,
		       struct complaints *complaints)
{
	unsigned char c = (unsigned char)*at;
	size_t length = utf8_length(at, (size_t)(end - at));

	if (c == '\n' || c == '\r')
		return complain(complaints, place_of(text, at, 1),
				"a line break has no place in an expression");
	if (c < 0x80)
		return complain(complaints, place_of(text, at, 1),
				"the control character 0x%02x has no place in an expression", c);
	if (!length)
		return complain(complaints, place_of(text, at, 1),
				"the byte 0x%02x is neither ASCII nor UTF-8", c);
	return complain(
		complaints, place_of(text, at, length),
		"\"%.*s\" is not ASCII; only ASCII letters, digits and signs are understood",
		(int)length, at);
}

static bool check_bytes(const char *text, size_t length, struct complaints *complaints)
{
	if (length > EXPRESSION_MAX)
		return complain(
			complaints, place_of(text, text + EXPRESSION_MAX, length - EXPRESSION_MAX),
			"the expression has %zu bytes; %d are the most", length, EXPRESSION_MAX);
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)(text[i] - ' ') > '~' - ' ' && text[i] != '\t')
			return wrong_byte(text, text + i, text + length, complaints);
	return true;
}

static struct span next_word(const char *at, const char *end)
{
	while (at < end && is_blank(*at))
		at++;
	const char *first = at;
	while (at < end && !is_blank(*at))
		at++;
	return (struct span){first, (size_t)(at - first)};
}

static struct span trimmed(const char *at, const char *end)
{
	while (at < end && is_blank(*at))
		at++;
	while (end > at && is_blank(end[-1]))
		end--;
	return (struct span){at, (size_t)(end - at)};
}

/* How long "CRON_TZ=" or "TZ=" in front of a word is; 0 for neither. */
static size_t zone_mark(struct span word)
{
	if (word.length >= 8 && strncasecmp(word.at, "CRON_TZ=", 8) == 0)
		return 8;
	return word.length >= 3 && strncasecmp(word.at, "TZ=", 3) == 0 ? 3 : 0;
}

static bool split_zone(struct expression *e, struct complaints *complaints)
{
	const char *end = e->body.at + e->body.length;
	struct span word = next_word(e->body.at, end);
	size_t mark = zone_mark(word);

	if (!mark)
		return true;
	e->zone = (struct span){word.at + mark, word.length - mark};
	if (!e->zone.length)
		return complain(complaints, place_of(e->text, word.at, word.length),
				"a zone must follow \"%.*s\", as in CRON_TZ=Europe/Paris",
				(int)mark, word.at);
	e->body = trimmed(word.at + word.length, end);
	if (!e->body.length)
		return complain(complaints, place_of(e->text, word.at, word.length),
				"the zone stands alone; an expression must follow it");
	struct span second = next_word(e->body.at, end);
	if (zone_mark(second))
		return complain(complaints, place_of(e->text, second.at, second.length),
				"the zone is given twice; keep one");
	return true;
}

static bool wrong_count(const struct expression *e, struct complaints *complaints)
{
	static const char *const words[] = {"yearly", "annually", "monthly", "weekly",
					    "daily",  "midnight", "hourly",  "reboot"};
	const char *fields = "minute hour day-of-month month day-of-week";

	for (size_t i = 0; e->count == 1 && i < sizeof(words) / sizeof(words[0]); i++)
		if (e->body.length == strlen(words[i]) &&
		    strncasecmp(e->body.at, words[i], e->body.length) == 0)
			return complain(complaints, place_of(e->text, e->body.at, e->body.length),
					"a macro begins with \"@\": write @%s", words[i]);
	if (!e->body.length)
		return complain(complaints, place_of(e->text, e->text, 0),
				"the expression is empty; write 5 fields: %s", fields);
	return complain(complaints, place_of(e->text, e->body.at, e->body.length),
			"%zu field%s; write 5 (%s), 6 (second first) or 7 (year last)", e->count,
			e->count == 1 ? "" : "s", fields);
}

/* A word of a few letters near to a day's or month's name is one misspelt. */
static bool is_nearly_name(struct span word)
{
	char copy[16];

	if (word.length >= sizeof(copy))
		return false;
	memcpy(copy, word.at, word.length);
	copy[word.length] = '\0';
	return str_nearest(copy, word_weekdays, 7) || str_nearest(copy, word_months + 1, 12) ||
	       strcasecmp(copy, "LW") == 0;
}

/* "/usr/bin/job", "./run.sh", "node", "root": what stands behind the fields in a crontab.
 * A word with a capital is more likely a day by another name. */
static bool looks_like_command(struct span word)
{
	static const char *const names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat",
					    "jan", "feb", "mar", "apr", "may", "jun", "jul",
					    "aug", "sep", "oct", "nov", "dec"};

	if (memchr(word.at, '.', word.length) || (*word.at == '/' && word.length > 1))
		return true;
	if (word.length < 2 || !is_lower(word.at[0]) || !is_lower(word.at[1]))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (word.length >= 3 && memcmp(word.at, names[i], 3) == 0)
			return false;
	return !is_nearly_name(word);
}

/* What follows the fields in a crontab, where it is told from one more field. */
static const char *no_field(struct span word)
{
	if (*word.at == '#')
		return "an expression has no comment; that goes in \"description\"";
	return looks_like_command(word) ? "an expression has no command; that goes in \"command\""
					: NULL;
}

static bool split_fields(struct expression *e, struct complaints *complaints)
{
	const char *at = e->body.at, *end = e->body.at + e->body.length;
	struct span words[FIELD_COUNT];

	while (at < end) {
		struct span word = next_word(at, end);

		const char *problem = e->count >= FIELDS_LEAST ? no_field(word) : NULL;
		struct place rest = place_of(e->text, word.at, (size_t)(end - word.at));

		if (problem)
			return complain(complaints, rest, "%s", problem);
		if (e->count == FIELD_COUNT)
			return complain(complaints, rest,
					"more than 7 fields; an expression has no command, user or "
					"comment");
		words[e->count++] = word;
		at = word.at + word.length;
	}
	if (e->count < FIELDS_LEAST)
		return wrong_count(e, complaints);
	size_t first = e->count == FIELDS_LEAST ? FIELD_MINUTE : FIELD_SECOND;
	memcpy(&e->fields[first], words, e->count * sizeof(words[0]));
	return true;
}

bool expression_split(const char *text, size_t length, struct expression *out,
		      struct complaints *complaints)
{
	*out = (struct expression){.text = text};
	if (!check_bytes(text, length, complaints))
		return false;
	out->body = trimmed(text, text + length);
	if (!split_zone(out, complaints))
		return false;
	out->is_macro = out->body.length && out->body.at[0] == '@';
	return out->is_macro || split_fields(out, complaints);
}

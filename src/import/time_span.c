/* time_span.c - systemd's time spans (systemd.time(7)); see systemd.h. */
#include <ctype.h>
#include <string.h>

#include "systemd.h"

enum { DIGITS_MAX = 12 };

static const struct {
	const char *words; /* with a blank on both sides of each */
	double ms;
} units[] = {
	{" usec us µs μs ", 0.001},       {" msec ms ", 1},
	{" seconds second sec s ", 1000}, {" minutes minute min m ", 60000},
	{" hours hour hr h ", 3600000},   {" days day d ", 86400000},
	{" weeks week w ", 604800000},    {" months month M ", 2629800000},
	{" years year y ", 31557600000},
};

static bool unit_ms(const char *at, size_t length, double *ms)
{
	char word[16];

	if (length + 3 > sizeof(word))
		return false;
	word[0] = ' ';
	memcpy(word + 1, at, length);
	memcpy(word + 1 + length, " ", 2);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!strstr(units[i].words, word))
			continue;
		*ms = units[i].ms;
		return true;
	}
	return false;
}

static const char *take_number(const char *at, double *number)
{
	double scale = 1;
	size_t digits = 0;
	bool in_fraction = false;

	for (*number = 0; isdigit((unsigned char)*at) || (*at == '.' && !in_fraction); at++) {
		if (*at == '.') {
			in_fraction = true;
			continue;
		}
		if (++digits > DIGITS_MAX)
			return NULL;
		*number = *number * 10 + (*at - '0');
		if (in_fraction)
			scale *= 10;
	}
	*number /= scale;
	return digits ? at : NULL;
}

bool time_span_parse(const char *text, int64_t *ms)
{
	double total = 0;

	text += strspn(text, " \t");
	if (strcmp(text, "infinity") == 0) {
		*ms = INT64_MAX;
		return true;
	}
	if (!*text)
		return false;
	while (*text) {
		double number, unit = 1000;

		text = take_number(text, &number);
		if (!text)
			return false;
		text += strspn(text, " \t");
		size_t length = 0;
		while (text[length] && !isdigit((unsigned char)text[length]) &&
		       !strchr(" \t.", text[length]))
			length++;
		if (length && !unit_ms(text, length, &unit))
			return false;
		text += length;
		text += strspn(text, " \t");
		total += number * unit;
		if (total > 3e15)
			return false;
	}
	*ms = (int64_t)(total + 0.5);
	return true;
}

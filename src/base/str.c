/* str.c - durations, nearest names, hashing; see str.h. */
#include "str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define LONGEST_MS (INT64_C(36600) * 86400000)

static const struct unit {
	const char *name;
	int64_t ms;
} units[] = {
	{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};
enum { UNIT_COUNT = sizeof(units) / sizeof(units[0]) };

bool str_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool read_number(const char **at, const char *end, int64_t *number)
{
	const char *first = *at;
	int64_t value = 0;

	for (; *at < end && isdigit((unsigned char)**at); (*at)++) {
		value = value * 10 + (**at - '0');
		if (value > LONGEST_MS)
			return false;
	}
	*number = value;
	return *at > first;
}

/* The unit at *at, no larger than units[least]. */
static int read_unit(const char **at, const char *end, int least)
{
	const char *first = *at;

	while (*at < end && isalpha((unsigned char)**at))
		(*at)++;
	size_t length = (size_t)(*at - first);
	for (int i = least; i < UNIT_COUNT; i++)
		if (strlen(units[i].name) == length && memcmp(units[i].name, first, length) == 0)
			return i;
	return -1;
}

bool str_duration(const char *text, size_t length, int64_t *ms)
{
	const char *at = text, *end = text + length;
	int64_t total = 0;
	int least = 0;

	while (at < end) {
		int64_t number;
		bool first = at == text;

		if (!read_number(&at, end, &number))
			return false;
		int unit = first && at == end ? 3 : read_unit(&at, end, least);
		if (unit < 0 || number > LONGEST_MS / units[unit].ms)
			return false;
		total += number * units[unit].ms;
		least = unit + 1;
	}
	if (length == 0 || total > LONGEST_MS)
		return false;
	*ms = total;
	return true;
}

const char *str_duration_format(int64_t ms, char text[DURATION_TEXT_MAX])
{
	size_t n = 0;

	if (ms == 0)
		return strcpy(text, "0s");
	for (int i = 0; i < UNIT_COUNT; i++) {
		if (ms / units[i].ms == 0)
			continue;
		n += (size_t)snprintf(text + n, DURATION_TEXT_MAX - n, "%lld%s",
				      (long long)(ms / units[i].ms), units[i].name);
		ms %= units[i].ms;
	}
	return text;
}

enum { LONGEST_WORD = 48, EDIT = 2 };

static int change_cost(char a, char b)
{
	if (a == b)
		return 0;
	return tolower((unsigned char)a) == tolower((unsigned char)b) ? 1 : EDIT;
}

/* Optimal string alignment (Damerau-Levenshtein without repeated swaps). */
static int distance(const char *a, size_t n, const char *b, size_t m)
{
	int row[3][LONGEST_WORD + 1];
	int *before = row[0], *above = row[1], *here = row[2];

	for (size_t j = 0; j <= m; j++)
		above[j] = (int)j * EDIT;
	for (size_t i = 1; i <= n; i++) {
		here[0] = (int)i * EDIT;
		for (size_t j = 1; j <= m; j++) {
			int best = above[j - 1] + change_cost(a[i - 1], b[j - 1]);

			if (above[j] + EDIT < best)
				best = above[j] + EDIT;
			if (here[j - 1] + EDIT < best)
				best = here[j - 1] + EDIT;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + EDIT < best)
				best = before[j - 2] + EDIT;
			here[j] = best;
		}
		int *oldest = before;
		before = above;
		above = here;
		here = oldest;
	}
	return above[m];
}

const char *str_nearest(const char *word, const char *const *names, size_t count)
{
	size_t length = strlen(word);
	const char *nearest = NULL;
	int best = (int)(length < 4 ? 1 : length / 3 + 1) * EDIT;

	if (length > LONGEST_WORD)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t m = strlen(names[i]);

		if (m > LONGEST_WORD)
			continue;
		int d = distance(word, length, names[i], m);
		if (d < best || (d == best && !nearest)) {
			best = d;
			nearest = names[i];
		}
	}
	return nearest;
}

uint32_t str_count(const char *data, size_t length, char c)
{
	const char *end = data + length;
	uint32_t count = 0;

	while (length && (data = memchr(data, c, (size_t)(end - data))) != NULL) {
		count++;
		data++;
	}
	return count;
}

static uint64_t stir_in(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

/* The last bytes, fewer than eight. */
static uint64_t rest_of(const unsigned char *p, size_t length)
{
	uint32_t first, last;

	if (length < 4)
		return length ? p[0] | (uint64_t)p[length / 2] << 8 | (uint64_t)p[length - 1] << 16
			      : 0;
	memcpy(&first, p, sizeof(first));
	memcpy(&last, p + length - sizeof(last), sizeof(last));
	return first | (uint64_t)last << 32;
}

uint64_t str_quick_hash(uint64_t hash, const void *data, size_t length)
{
	const unsigned char *p = data;
	uint64_t word;

	hash = stir_in(hash, length);
	for (; length >= sizeof(word); length -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		hash = stir_in(hash, word);
	}
	return stir_in(hash, rest_of(p, length));
}

uint64_t str_hash(uint64_t hash, const void *data, size_t length)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
	return hash;
}

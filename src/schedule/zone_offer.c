/* zone_offer.c - what to write in place of a name that is no zone; see zone_offer.h. */
#include "zone_offer.h"

#include <stdio.h>
#include <string.h>

/* The few abbreviations whose users are likely to mean one zone. */
static const struct {
	const char *abbreviations[2];
	const char *zone;
} known[] = {
	{{"PST", "PDT"}, "America/Los_Angeles"},
	{{"MST", "MDT"}, "America/Denver"},
	{{"CST", "CDT"}, "America/Chicago"},
	{{"EST", "EDT"}, "America/New_York"},
};

static const char *zone_of_abbreviation(const char *name)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		for (size_t j = 0; j < 2; j++)
			if (strcmp(name, known[i].abbreviations[j]) == 0)
				return known[i].zone;
	return NULL;
}

/* Capitals, or capitals and an offset: "CEST", "UTC+2", "EST5EDT", "+02:00". */
static bool is_like_abbreviation(const char *name)
{
	return *name && name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-:")] == '\0';
}

const char *zone_offer(const struct zone_source *zones, const char *name, char text[ZONE_OFFER_MAX])
{
	const char *meant = zone_of_abbreviation(name);
	const char *near = !meant && zones->nearest ? zones->nearest(zones->context, name) : NULL;

	if (meant)
		snprintf(text, ZONE_OFFER_MAX, "an abbreviation is no zone; did you mean %s?",
			 meant);
	else if (is_like_abbreviation(name) && (!near || is_like_abbreviation(near)))
		snprintf(text, ZONE_OFFER_MAX, "write an IANA zone such as Europe/Paris");
	else if (near)
		snprintf(text, ZONE_OFFER_MAX, "did you mean %s?", near);
	else
		return NULL;
	return text;
}

void zone_unknown(const struct zone_source *zones, const char *name, const struct err *why,
		  char *text, size_t size)
{
	char offer[ZONE_OFFER_MAX];

	if (zone_offer(zones, name, offer))
		snprintf(text, size, "unknown zone \"%.80s\"; %s", name, offer);
	else
		snprintf(text, size, "unknown zone \"%.80s\": %.200s", name, why->text);
}

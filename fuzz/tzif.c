/* tzif.c - fuzzes zone files: any bytes are a zone that answers, or an error. */
#include "fuzz.h"
#include "zone.h"

static void ask(const struct zone *zone, int64_t utc_s)
{
	struct zone_transition t;
	int64_t utc[2];
	int32_t offset = zone_offset(zone, utc_s);
	int count = zone_instants(zone, utc_s, utc);

	MUST(offset > -100 * 3600 && offset < 200 * 3600);
	MUST(zone_abbreviation(zone, utc_s) != NULL);
	MUST(count >= 0 && count <= 2 && (count < 2 || utc[0] < utc[1]));
	for (int i = 0; i < count; i++)
		MUST(utc[i] + zone_offset(zone, utc[i]) == utc_s);
	for (int i = 0; i < 8 && zone_next_transition(zone, utc_s, &t); i++) {
		MUST(t.utc_s > utc_s);
		utc_s = t.utc_s;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int64_t instants[] = {-4000000000, -1, 0, 1795564800, 4102444800, 7258118399};
	struct err err = {{0}};
	struct zone *zone = zone_create("Test/Zone", data, size, &err);

	MUST(zone || err.text[0]);
	for (size_t i = 0; zone && i < sizeof(instants) / sizeof(instants[0]); i++)
		ask(zone, instants[i]);
	zone_destroy(zone);
	return 0;
}

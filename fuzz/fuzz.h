/* fuzz.h - what every fuzz target has. */
#ifndef BELFRY_FUZZ_H
#define BELFRY_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* The name is libFuzzer's. Always 0; what is wrong aborts. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Like assert, but said as a property that must hold. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

/* 2026-11-25T00:00:00Z, for ever. */
#define FUZZ_NOW ((struct utc){INT64_C(1795564800000)})

#endif

/*
 * random.h - numbers from a seed: the same on every machine.
 *
 * SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
 * OOPSLA 2014; constants as in Vigna's public domain splitmix64.c).
 */
#ifndef BELFRY_SIM_RANDOM_H
#define BELFRY_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

uint64_t random_next(struct random *random);
/* In [low, high]. */
int64_t random_between(struct random *random, int64_t low, int64_t high);
bool random_one_in(struct random *random, int64_t n);
/* A number that depends on nothing but these four. */
uint64_t random_of(uint64_t seed, uint64_t a, uint64_t b, uint64_t c);

#endif

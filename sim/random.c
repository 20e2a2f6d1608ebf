/* random.c - numbers from a seed; see random.h. */
#include "random.h"

uint64_t random_next(struct random *random)
{
	uint64_t z = (random->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* The modulo's bias is below 2^-32 for every range used here. */
int64_t random_between(struct random *random, int64_t low, int64_t high)
{
	return low + (int64_t)(random_next(random) % (uint64_t)(high - low + 1));
}

bool random_one_in(struct random *random, int64_t n)
{
	return random_between(random, 1, n) == 1;
}

uint64_t random_of(uint64_t seed, uint64_t a, uint64_t b, uint64_t c)
{
	struct random random = {seed};

	random.state ^= random_next(&random) + a;
	random.state ^= random_next(&random) + b;
	random.state ^= random_next(&random) + c;
	return random_next(&random);
}

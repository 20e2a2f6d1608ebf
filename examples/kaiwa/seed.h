/*
 * seed.h - demo data: users, reminders, sign-ups and activity, some of it falling
 * due in the seconds after `now`, so that a demo has work all the time.
 */
#ifndef KAIWA_SEED_H
#define KAIWA_SEED_H

#include <time.h>

#include "db.h"

struct seed {
	int users;    /* 1..100000 */
	int bounces;  /* of them, with an address that bounces */
	int spread_s; /* over how many seconds the later part falls due */
	time_t now;
};

/* The same data for the same seed, to the last byte of text. */
bool seed_write(struct db *db, const struct seed *seed, struct problem *problem);

#endif

/*
 * collect.h - what each job has to send now: reads the database, changes nothing.
 *
 * Each adds letters in a fixed order. False: see the problem; letters may hold
 * some already. A letter with a row in the ledger is not collected again.
 */
#ifndef KAIWA_COLLECT_H
#define KAIWA_COLLECT_H

#include <time.h>

#include "db.h"
#include "letter.h"
#include "settings.h"

typedef bool collect_fn(struct db *db, const struct settings *settings, time_t now,
			struct letters *letters, struct problem *problem);

/* Reminders that have fallen due. */
collect_fn collect_reminders;

/* For each new user a welcome from the (first) founder, and for each founder a
 * summary of the sign-ups since that founder's last one. */
collect_fn collect_founder_emails;

/* For each user active in the last seven days what was done, once per ISO week
 * (of the UTC calendar; the job rings on Mondays at 10:00 in Paris, far from the
 * week's edge). */
collect_fn collect_weekly_digest;

#endif

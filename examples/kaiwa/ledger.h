/*
 * ledger.h - the book of what was sent: the table `mails`.
 *
 * What is promised: no letter is given to the mail server's keeping twice, by
 * however many runs, at once or one after the other, killed wherever they are.
 *
 * SMTP has no way to ask "did you take it?", so a crash between the server's
 * yes and our mark leaves a doubt, and one must choose between sending twice
 * and perhaps not at all. We choose the latter and make the window small:
 *  1. the whole mail but its final dot is given to the server;
 *  2. the row is inserted as `sending` (unique on kind, person and key: of two
 *     runs at once one gets it, the other breaks its mail off);
 *  3. the dot; the server takes the mail;
 *  4. the row is marked `sent`, flushed to the disk, before the next mail begins.
 * A run killed before 2 leaves no row, and the next run sends the letter. One
 * killed between 2 and 4 leaves `sending`; the mail is nearly always delivered
 * then. Once no live run can own the row, the next run marks it `unknown`, counts
 * it as failed and says so, and does not send it again. Its Message-ID (always
 * the same for the same letter) finds it in the mail server's log; deleting the
 * row sends it again.
 * Not promised: a power cut between 2 and 4 can take the row with it, and then
 * the one mail in hand goes out again, with the same Message-ID.
 *
 * Bounces: an address refused for good is put on the list `bounces`. It is not
 * mailed again; each further letter that falls due for it is counted as failed
 * once, in the run that comes to it. A letter is settled by that: the same one
 * is not counted for ever.
 */
#ifndef KAIWA_LEDGER_H
#define KAIWA_LEDGER_H

#include <time.h>

#include "db.h"
#include "letter.h"

/* Step 2. True: this run may send it. False: another has it, or db has failed. */
bool ledger_claim(struct db *db, const struct letter *letter, const char *message_id, time_t now);

/* Step 4: the state is `sent`, `refused` or `unknown`. */
void ledger_settle(struct db *db, const char *message_id, const char *state, const char *detail,
		   time_t now);

/* The server has said no for now after all: the next run may try again. */
void ledger_unclaim(struct db *db, const char *message_id);

/* Given up without a claim: refused before the final dot. */
void ledger_give_up(struct db *db, const struct letter *letter, const char *message_id,
		    const char *state, const char *detail, time_t now);

/* The address is struck off, together with the letter. */
void ledger_bounce(struct db *db, const struct letter *letter, const char *message_id,
		   const char *detail, time_t now);
bool ledger_has_bounced(struct db *db, const char *address);

/* Marks what a crashed run has left in doubt as `unknown`. Returns how many. */
int ledger_find_doubtful(struct db *db, const char *kind, time_t now);

#endif

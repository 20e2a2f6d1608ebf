/* ledger.c - the book of what was sent; see ledger.h for what it promises. */
#include "ledger.h"
#include "mail.h"

/* Older than this, a `sending` row has no live owner: a mail takes at most
 * MAIL_TIMEOUT_S from its start, and the row is written near its end. */
enum { DOUBTFUL_AFTER_S = MAIL_TIMEOUT_S + 30 };

static const char insert_sql[] =
	"INSERT INTO mails (kind, person, key, covers, message_id, address, state, detail, at)"
	" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING";

static bool insert(struct db *db, const struct letter *letter, const char *message_id,
		   const char *state, const char *detail, time_t now)
{
	return db_run(db, insert_sql, "tttitttti", letter->kind, letter->person, letter->key,
		      letter->covers, message_id, letter->to, state, detail, (int64_t)now) &&
	       db_changes(db) == 1;
}

bool ledger_claim(struct db *db, const struct letter *letter, const char *message_id, time_t now)
{
	/* Not flushed to the disk: a kill loses nothing by that, and one that hits
	 * during the flush would leave a row for a mail that was never taken. */
	db_run(db, "PRAGMA synchronous = NORMAL", "");
	bool is_mine = insert(db, letter, message_id, "sending", "", now);
	db_run(db, "PRAGMA synchronous = FULL", "");
	return is_mine && !db->failed;
}

void ledger_settle(struct db *db, const char *message_id, const char *state, const char *detail,
		   time_t now)
{
	db_run(db, "UPDATE mails SET state = ?, detail = ?, at = ? WHERE message_id = ?", "ttit",
	       state, detail, (int64_t)now, message_id);
}

void ledger_unclaim(struct db *db, const char *message_id)
{
	db_run(db, "DELETE FROM mails WHERE message_id = ? AND state = 'sending'", "t", message_id);
}

void ledger_give_up(struct db *db, const struct letter *letter, const char *message_id,
		    const char *state, const char *detail, time_t now)
{
	insert(db, letter, message_id, state, detail, now);
}

void ledger_bounce(struct db *db, const struct letter *letter, const char *message_id,
		   const char *detail, time_t now)
{
	db_run(db, "BEGIN IMMEDIATE", "");
	db_run(db,
	       "INSERT INTO bounces (address, detail, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
	       "tti", letter->to, detail, (int64_t)now);
	insert(db, letter, message_id, "bounced", detail, now);
	db_run(db, "COMMIT", "");
}

bool ledger_has_bounced(struct db *db, const char *address)
{
	return db_number(db, "SELECT 1 FROM bounces WHERE address = ?", "t", address) == 1;
}

int ledger_find_doubtful(struct db *db, const char *kind, time_t now)
{
	bool ok = db_run(db,
			 "UPDATE mails SET state = 'unknown', detail = 'the run that sent it died'"
			 " WHERE state = 'sending' AND kind = ? AND at < ?",
			 "ti", kind, (int64_t)(now - DOUBTFUL_AFTER_S));
	return ok ? db_changes(db) : 0;
}

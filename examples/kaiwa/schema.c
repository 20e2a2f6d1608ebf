/* schema.c - the tables of kaiwa's database, as SQL. */
#include "schema.h"

/* WAL: a job that writes does not hold up the web app that reads. */
const char schema_sql[] =
	"PRAGMA journal_mode = WAL;"
	"BEGIN;"
	"CREATE TABLE users ("
	"  id INTEGER PRIMARY KEY," /* ascending in the order of sign-up */
	"  name TEXT NOT NULL,"
	"  email TEXT NOT NULL UNIQUE,"
	"  signed_up_at INTEGER NOT NULL);"

	"CREATE TABLE reminders ("
	"  id INTEGER PRIMARY KEY,"
	"  user_id INTEGER NOT NULL REFERENCES users,"
	"  text TEXT NOT NULL,"
	"  due_at INTEGER NOT NULL);"
	"CREATE INDEX reminders_due ON reminders (due_at);"

	"CREATE TABLE activity ("
	"  id INTEGER PRIMARY KEY,"
	"  user_id INTEGER NOT NULL REFERENCES users,"
	"  topic TEXT NOT NULL,"
	"  minutes INTEGER NOT NULL,"
	"  at INTEGER NOT NULL);"
	"CREATE INDEX activity_at ON activity (at);"
	"CREATE INDEX activity_of_user ON activity (user_id, at);"

	/* Every mail that left, is leaving or is given up; see ledger.h. */
	"CREATE TABLE mails ("
	"  id INTEGER PRIMARY KEY,"
	"  kind TEXT NOT NULL CHECK (kind IN ('reminder','welcome','founder-summary','digest')),"
	"  person TEXT NOT NULL," /* a user's id, or a founder's address */
	"  key TEXT NOT NULL,"    /* which one of its kind: a reminder's id, a week, ... */
	"  covers INTEGER NOT NULL DEFAULT 0," /* founder-summary: the last user told of */
	"  message_id TEXT NOT NULL UNIQUE,"
	"  address TEXT NOT NULL,"
	"  state TEXT NOT NULL"
	"    CHECK (state IN ('sending','sent','bounced','refused','unknown')),"
	"  detail TEXT NOT NULL DEFAULT '',"
	"  at INTEGER NOT NULL,"
	"  UNIQUE (kind, person, key));"
	"CREATE INDEX mails_state ON mails (state);"

	/* Addresses a mail server has refused for good. No mail goes there until
	 * the row is deleted or the user has another address. */
	"CREATE TABLE bounces ("
	"  address TEXT PRIMARY KEY,"
	"  detail TEXT NOT NULL,"
	"  at INTEGER NOT NULL);"
	"PRAGMA user_version = 1;"
	"COMMIT;";

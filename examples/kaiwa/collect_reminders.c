/* collect_reminders.c - reminders that have fallen due; see collect.h. */
#include "collect.h"
#include "text.h"

#include <stdlib.h>

static const char due_sql[] = "SELECT r.id, r.text, u.id, u.name, u.email FROM reminders r JOIN "
			      "users u ON u.id = r.user_id"
			      " WHERE r.due_at <= ? AND NOT EXISTS (SELECT 1 FROM mails m"
			      "  WHERE m.kind = 'reminder' AND m.person = CAST(u.id AS TEXT)"
			      "  AND m.key = CAST(r.id AS TEXT))"
			      " ORDER BY r.due_at, r.id";

bool collect_reminders(struct db *db, const struct settings *settings, time_t now,
		       struct letters *letters, struct problem *problem)
{
	(void)settings;
	sqlite3_stmt *due = db_query(db, due_sql, "i", (int64_t)now);
	while (db_row(db, due)) {
		char *text = db_text(due, 1);
		char *name = db_text(due, 3);
		letters_add(letters, (struct letter){
					     .kind = "reminder",
					     .key = db_text(due, 0),
					     .person = db_text(due, 2),
					     .to = db_text(due, 4),
					     .subject = text_format("Reminder: %s", text),
					     .body = text_format("Hello %s,\n\nyou asked to be "
								 "reminded:\n\n    %s\n\nKaiwa\n",
								 name, text),
				     });
		free(text);
		free(name);
	}
	sqlite3_finalize(due);
	return db_check(db, problem);
}

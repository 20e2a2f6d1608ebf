/* collect_digest.c - each active user's week; see collect.h. */
#include "collect.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>

enum { WEEK_S = 7 * 24 * 60 * 60 };

static const char active_sql[] =
	"SELECT u.id, u.name, u.email, count(*), sum(a.minutes)"
	" FROM activity a JOIN users u ON u.id = a.user_id"
	" WHERE a.at > ?1 AND a.at <= ?2 AND NOT EXISTS (SELECT 1 FROM mails m"
	"  WHERE m.kind = 'digest' AND m.person = CAST(u.id AS TEXT) AND m.key = ?3)"
	" GROUP BY u.id ORDER BY u.id";
static const char done_sql[] = "SELECT topic, minutes, at FROM activity"
			       " WHERE user_id = ? AND at > ? AND at <= ? ORDER BY at, id";

static char *digest_body(struct db *db, sqlite3_stmt *user, time_t now)
{
	char *body = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&body, &size);
	if (out == NULL)
		abort();
	char *name = db_text(user, 1);
	int count = sqlite3_column_int(user, 3);
	fprintf(out, "Hello %s,\n\nyour week on Kaiwa: %d conversation%s, %d minutes.\n\n", name,
		count, count == 1 ? "" : "s", sqlite3_column_int(user, 4));
	free(name);
	sqlite3_stmt *done = db_query(db, done_sql, "iii", sqlite3_column_int64(user, 0),
				      (int64_t)(now - WEEK_S), (int64_t)now);
	while (db_row(db, done)) {
		char day[32];
		struct tm utc;
		time_t at = (time_t)sqlite3_column_int64(done, 2);
		if (gmtime_r(&at, &utc) == NULL ||
		    strftime(day, sizeof(day), "%a %d %b", &utc) == 0)
			day[0] = '\0'; /* no such day in the calendar */
		char *topic = db_text(done, 0);
		fprintf(out, "- %s: %s, %d minutes\n", day, topic, sqlite3_column_int(done, 1));
		free(topic);
	}
	sqlite3_finalize(done);
	fputs("\nSee you next week!\nKaiwa\n", out);
	if (fclose(out) != 0)
		abort();
	return body;
}

bool collect_weekly_digest(struct db *db, const struct settings *settings, time_t now,
			   struct letters *letters, struct problem *problem)
{
	(void)settings;
	char week[32];
	struct tm utc;
	gmtime_r(&now, &utc);
	strftime(week, sizeof(week), "%G-W%V", &utc);
	sqlite3_stmt *active =
		db_query(db, active_sql, "iit", (int64_t)(now - WEEK_S), (int64_t)now, week);
	while (db_row(db, active)) {
		letters_add(letters,
			    (struct letter){
				    .kind = "digest",
				    .person = db_text(active, 0),
				    .key = text_copy(week),
				    .to = db_text(active, 2),
				    .subject = text_format("Your week on Kaiwa (%s)", week),
				    .body = digest_body(db, active, now),
			    });
	}
	sqlite3_finalize(active);
	return db_check(db, problem);
}

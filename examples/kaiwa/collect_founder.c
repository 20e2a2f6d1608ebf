/* collect_founder.c - welcomes to new users, summaries to founders; see collect.h. */
#include "collect.h"
#include "mail.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 50 }; /* listed in a summary; the rest is counted */

static const char new_users_sql[] =
	"SELECT u.id, u.name, u.email FROM users u WHERE u.signed_up_at <= ? AND NOT EXISTS"
	" (SELECT 1 FROM mails m WHERE m.kind = 'welcome' AND m.person = CAST(u.id AS TEXT))"
	" ORDER BY u.id";

/* The previous summary's end is the next one's key: two runs at once, which may
 * see a different number of sign-ups, still compete for one and the same row. */
static const char last_told_sql[] = "SELECT max(covers) FROM mails"
				    " WHERE kind = 'founder-summary' AND person = ?";
static const char signed_up_sql[] = "SELECT id, name, email FROM users"
				    " WHERE id > ? AND signed_up_at <= ? ORDER BY id";

static void collect_welcomes(struct db *db, const char *founder, time_t now,
			     struct letters *letters)
{
	sqlite3_stmt *users = db_query(db, new_users_sql, "i", (int64_t)now);
	while (db_row(db, users)) {
		char *name = db_text(users, 1);
		letters_add(letters,
			    (struct letter){
				    .kind = "welcome",
				    .person = db_text(users, 0),
				    .key = text_copy("1"), /* there is one in a user's life */
				    .from = text_copy(founder),
				    .to = db_text(users, 2),
				    .subject = text_format("Welcome to Kaiwa, %s", name),
				    .body = text_format(
					    "Hello %s,\n\nI am the founder of Kaiwa, and glad that "
					    "you are here.\nWhat would you like to talk about "
					    "first? Just answer this mail.\n",
					    name),
			    });
		free(name);
	}
	sqlite3_finalize(users);
}

static void collect_summary(struct db *db, const char *founder, time_t now, struct letters *letters)
{
	int64_t last = db_number(db, last_told_sql, "t", founder);
	int64_t covers = last;
	size_t count = 0, size = 0;
	char *body = NULL;
	FILE *out = open_memstream(&body, &size);
	if (out == NULL)
		abort();
	fputs("New on Kaiwa:\n\n", out);
	sqlite3_stmt *users = db_query(db, signed_up_sql, "ii", last, (int64_t)now);
	while (db_row(db, users)) {
		char *name = db_text(users, 1);
		char *email = db_text(users, 2);
		covers = sqlite3_column_int64(users, 0);
		if (count++ < NAMES_MAX)
			fprintf(out, "- %s <%s>\n", name, email);
		free(name);
		free(email);
	}
	sqlite3_finalize(users);
	if (count > NAMES_MAX)
		fprintf(out, "and %zu more\n", count - NAMES_MAX);
	if (fclose(out) != 0)
		abort();
	if (count == 0) {
		free(body);
		return;
	}
	letters_add(letters, (struct letter){
				     .kind = "founder-summary",
				     .person = text_copy(founder),
				     .key = text_format("%lld", (long long)last),
				     .to = text_copy(founder),
				     .subject = text_format("%zu new sign-up%s", count,
							    count == 1 ? "" : "s"),
				     .body = body,
				     .covers = covers,
			     });
}

/* Calls for each address of a comma-separated list; false if one is none. */
static bool each_founder(struct db *db, char *list, time_t now, struct letters *letters,
			 struct problem *problem)
{
	char *rest = list;
	bool first = true;
	for (char *founder; (founder = strsep(&rest, ",")) != NULL; first = false) {
		founder += strspn(founder, " ");
		founder[strcspn(founder, " ")] = '\0';
		if (!mail_address_ok(founder))
			return problem_set(problem, "set FOUNDER_EMAIL to name@host[,name@host]",
					   "FOUNDER_EMAIL has something that is no mail address: "
					   "\"%s\"",
					   founder);
		if (first)
			collect_welcomes(db, founder, now, letters);
		collect_summary(db, founder, now, letters);
	}
	return true;
}

bool collect_founder_emails(struct db *db, const struct settings *settings, time_t now,
			    struct letters *letters, struct problem *problem)
{
	if (settings->founders == NULL)
		return problem_set(problem, "set FOUNDER_EMAIL, e.g. founder@kaiwa.example",
				   "the environment variable FOUNDER_EMAIL is not set");
	char *list = text_copy(settings->founders);
	bool ok = each_founder(db, list, now, letters, problem);
	free(list);
	return ok && db_check(db, problem);
}

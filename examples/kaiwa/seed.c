/* seed.c - demo data, deterministic; see seed.h. */
#include "seed.h"
#include "text.h"

#include <stdint.h>
#include <stdlib.h>

enum { DAY_S = 24 * 60 * 60, MINUTE_S = 60 };

/* The addresses are made of ASCII; the names are people's. */
static const struct {
	const char *name, *ascii;
} first_names[] =
	{
		{"Aiko", "aiko"},   {"Zoë", "zoe"},     {"Jürgen", "jurgen"}, {"Marta", "marta"},
		{"Noël", "noel"},   {"Søren", "soren"}, {"Priya", "priya"},   {"Kenji", "kenji"},
		{"Chloé", "chloe"}, {"Tomás", "tomas"}, {"Lina", "lina"},     {"Yusuf", "yusuf"},
},
  last_names[] = {
	  {"Tanaka", "tanaka"}, {"Müller", "mueller"}, {"Lefèvre", "lefevre"}, {"Novák", "novak"},
	  {"Okafor", "okafor"}, {"Rossi", "rossi"},    {"García", "garcia"},
};
static const char *const topics[] = {"ordering at a café", "asking the way", "a job interview",
				     "small talk", "at the doctor's"};
static const char *const tasks[] = {"practise 10 minutes", "learn five new words",
				    "book Friday's conversation", "repeat last week's phrases"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Spreads the bouncing ones evenly among the users: of 120 and 2, the 30th and 90th. */
static bool is_bouncing(const struct seed *seed, int i)
{
	int64_t half = seed->users / 2;
	return ((int64_t)i * seed->bounces + half) / seed->users !=
	       ((int64_t)(i - 1) * seed->bounces + half) / seed->users;
}

/* Five sixths have signed up before `now`, in order, over 30 days; the others do
 * so one by one within spread_s. */
static int64_t sign_up_at(const struct seed *seed, int i)
{
	int later = seed->users / 6;
	int earlier = seed->users - later;
	if (i <= earlier)
		return seed->now - (int64_t)30 * DAY_S * (earlier - i + 1) / (earlier + 1);
	return seed->now + (int64_t)seed->spread_s * (i - earlier) / later;
}

static void write_user(struct db *db, const struct seed *seed, int i, int64_t signed_up_at)
{
	size_t first = (size_t)i % COUNT(first_names);
	size_t last = (size_t)i % COUNT(last_names); /* 12 and 7 share no divisor: 84 names */
	char *name = text_format("%s %s", first_names[first].name, last_names[last].name);
	char *email = is_bouncing(seed, i)
			      ? text_format("bounce.%d@example.org", i)
			      : text_format("%s.%s.%d@example.org", first_names[first].ascii,
					    last_names[last].ascii, i);
	db_run(db, "INSERT INTO users (id, name, email, signed_up_at) VALUES (?, ?, ?, ?)", "itti",
	       (int64_t)i, name, email, signed_up_at);
	free(name);
	free(email);
}

static void write_reminder(struct db *db, int user, int64_t due_at)
{
	db_run(db, "INSERT INTO reminders (user_id, text, due_at) VALUES (?, ?, ?)", "iti",
	       (int64_t)user, tasks[(size_t)user % COUNT(tasks)], due_at);
}

static void write_activity(struct db *db, int user, int n, int64_t at)
{
	db_run(db, "INSERT INTO activity (user_id, topic, minutes, at) VALUES (?, ?, ?, ?)", "itii",
	       (int64_t)user, topics[(size_t)(user + n) % COUNT(topics)],
	       (int64_t)(5 + (user * 7 + n * 11) % 40), at);
}

/* Two reminders a user, one overdue and one to come, and a week's conversations. */
static void write_life(struct db *db, const struct seed *seed, int i, int64_t signed_up_at)
{
	bool is_new = signed_up_at > seed->now;
	int64_t start = is_new ? signed_up_at : seed->now;
	int64_t step = 1 + (int64_t)i * 37 % (2 * seed->spread_s); /* in no order */
	write_reminder(db, i, is_new ? signed_up_at + 3 : seed->now - (1 + i % 50) * MINUTE_S);
	write_reminder(db, i, start + step);
	if (is_new)
		write_activity(db, i, 0, signed_up_at + 2);
	for (int n = 0; !is_new && n <= i % 4; n++)
		write_activity(db, i, n, seed->now - (6 - n) * DAY_S - i * MINUTE_S % DAY_S);
}

bool seed_write(struct db *db, const struct seed *seed, struct problem *problem)
{
	db_run(db, "BEGIN", "");
	for (int i = 1; i <= seed->users; i++) {
		int64_t signed_up_at = sign_up_at(seed, i);
		write_user(db, seed, i, signed_up_at);
		write_life(db, seed, i, signed_up_at);
	}
	db_run(db, "COMMIT", "");
	return db_check(db, problem);
}

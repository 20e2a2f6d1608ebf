/*
 * kaiwa-db - makes kaiwa's database with demo data.
 *
 * Exit status: 0 made, 1 could not, 2 usage.
 */
#include "db.h"
#include "log.h"
#include "seed.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"usage: kaiwa-db init PATH [--users N] [--bounces N] [--spread SECONDS]\n"
	"Makes a new database of N users (120), of whom some (2) have an address that bounces.\n"
	"Part of the data falls due after now, over SECONDS (60). PATH must not exist.\n";

static bool read_number(const char *text, int min, int max, int *value)
{
	char *end = NULL;
	errno = 0;
	long number = strtol(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || number < min || number > max)
		return false;
	*value = (int)number;
	return true;
}

static bool read_options(int argc, char **argv, struct seed *seed)
{
	for (int i = 0; i < argc; i += 2) {
		int *value = strcmp(argv[i], "--users") == 0     ? &seed->users
			     : strcmp(argv[i], "--bounces") == 0 ? &seed->bounces
			     : strcmp(argv[i], "--spread") == 0  ? &seed->spread_s
								 : NULL;
		int min = value == &seed->bounces ? 0 : 1;
		if (value == NULL || i + 1 == argc || !read_number(argv[i + 1], min, 100000, value))
			return false;
	}
	return seed->bounces <= seed->users;
}

/* Written aside and linked into place: nobody sees half a database, and one that
 * exists is never overwritten. */
static bool init(const char *path, const struct seed *seed, struct problem *problem)
{
	struct db db;
	char *aside = text_format("%s.%d.new", path, (int)getpid());
	bool ok = db_create(&db, aside, problem);
	if (ok) {
		ok = seed_write(&db, seed, problem);
		db_close(&db); /* folds the write-ahead log into the file */
	}
	if (ok && link(aside, path) != 0)
		ok = problem_set(problem, "remove it first, or give another path",
				 "cannot make %s: %s", path, strerror(errno));
	unlink(aside);
	free(aside);
	return ok;
}

int main(int argc, char **argv)
{
	struct problem problem;
	struct seed seed = {.users = 120, .bounces = 2, .spread_s = 60, .now = time(NULL)};
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc < 3 || strcmp(argv[1], "init") != 0 || argv[2][0] == '-' ||
	    !read_options(argc - 3, argv + 3, &seed)) {
		fputs(usage, stderr);
		return 2;
	}
	if (!init(argv[2], &seed, &problem)) {
		log_problem("cannot make the database", "kaiwa-db", &problem);
		return 1;
	}
	log_info("database made", "{s:s, s:i, s:i}", "path", argv[2], "users", seed.users,
		 "bounces", seed.bounces);
	return 0;
}

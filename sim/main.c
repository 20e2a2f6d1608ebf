/* main.c - belfry-sim: lives the histories of many seeds, and shows how one breaks. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nodes.h"
#include "shrink.h"
#include "small.h"
#include "world.h"

static const char usage[] =
	"usage: belfry-sim [--seed N] [--seeds COUNT] [--days D] [--jobs J]\n"
	"                  [--nodes K] [--history]\n"
	"       belfry-sim --small [EVENTS] [--nodes 2]\n"
	"\n"
	"Lives histories of the real daemon and engine in a world whose clock, store and\n"
	"runner fail as the seed says; then all is healed and has to converge. What breaks\n"
	"a promise is told with its seed, its step and the shortest history found that\n"
	"breaks it, too.\n"
	"\n"
	"  --seed N       the first seed, or the only one (1)\n"
	"  --seeds COUNT  so many seeds from there on (200; 1 with --seed)\n"
	"  --days D       of each history (drawn: 1 to 8)\n"
	"  --jobs J       of each history (drawn: 1 to 9, now and then thousands)\n"
	"  --nodes K      daemons that share one store (drawn: 1, now and then 2 or 3; up to 5)\n"
	"  --bare         looks for no short history\n"
	"  --history      tells the whole history of the seed\n"
	"  --small [N]    every history of N events (6) of two jobs, of one node or two\n";

struct options {
	uint64_t seed;
	int64_t seeds; /* 0: not given */
	int32_t days, jobs, nodes, small;
	bool has_seed, is_told, is_bare;
};

static bool read_number(const char *text, int64_t least, int64_t most, int64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoll(text, &end, 10);
	return *text && !*end && errno == 0 && *number >= least && *number <= most;
}

static _Noreturn void refuse(const char *what, const char *why)
{
	fprintf(stderr, "belfry-sim: %s%s\n", what, why);
	exit(2);
}

static int64_t value_of(char **argv, int *i, int64_t most)
{
	int64_t number;

	if (!argv[*i + 1] || !read_number(argv[*i + 1], 0, most, &number))
		refuse(argv[*i], " needs a number");
	++*i;
	return number;
}

static void read_option(struct options *options, char **argv, int *i)
{
	const char *word = argv[*i];
	int64_t number;

	if (strcmp(word, "--seed") == 0) {
		options->seed = (uint64_t)value_of(argv, i, INT64_MAX);
		options->has_seed = true;
	} else if (strcmp(word, "--seeds") == 0) {
		options->seeds = value_of(argv, i, 1000000000);
	} else if (strcmp(word, "--days") == 0) {
		options->days = (int32_t)value_of(argv, i, 365);
	} else if (strcmp(word, "--jobs") == 0) {
		options->jobs = (int32_t)value_of(argv, i, 10000);
	} else if (strcmp(word, "--nodes") == 0) {
		options->nodes = (int32_t)value_of(argv, i, NODES_MAX);
	} else if (strcmp(word, "--bare") == 0) {
		options->is_bare = true;
	} else if (strcmp(word, "--history") == 0) {
		options->is_told = true;
	} else if (strcmp(word, "--small") == 0) {
		options->small = 6;
		if (argv[*i + 1] && read_number(argv[*i + 1], 1, 10, &number)) {
			options->small = (int32_t)number;
			++*i;
		}
	} else if (strcmp(word, "--help") == 0) {
		fputs(usage, stdout);
		exit(0);
	} else {
		refuse(word, " is no option; see --help");
	}
}

/* Of one core, so that what else the machine does is of no matter. */
static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool live_seed(const struct options *options, uint64_t seed)
{
	struct plan *plan = plan_create(seed, options->days, options->jobs, options->nodes);
	bool ok = world_live(plan, options->is_told ? TELL_ALL : TELL_NOTHING);

	if (!ok)
		shrink_and_tell(plan, options->is_bare);
	plan_destroy(plan);
	return ok;
}

static void tell_progress(int64_t done, int64_t all)
{
	if (isatty(STDERR_FILENO) && done % 16 == 0)
		fprintf(stderr, "\r%lld of %lld seeds", (long long)done, (long long)all);
}

static int live_seeds(const struct options *options)
{
	int64_t count = options->seeds ? options->seeds : options->has_seed ? 1 : 200;
	size_t job_days = 0, runs = 0, turns = 0;
	double begun = seconds();

	for (int64_t i = 0; i < count; i++) {
		tell_progress(i, count);
		if (!live_seed(options, options->seed + (uint64_t)i))
			return 1;
		job_days += world.job_days;
		runs += world.runs;
		turns += world.turns;
	}
	double took = seconds() - begun;
	printf("%s%lld seed%s: %zu job-days, %zu attempts, %zu turns in %.1f s, "
	       "%.0f job-days a minute; no promise broken\n",
	       isatty(STDERR_FILENO) ? "\r" : "", (long long)count, count == 1 ? "" : "s", job_days,
	       runs, turns, took, (double)job_days * 60 / took);
	world_tell_counts();
	if (options->is_told)
		printf("history %016llx\n", (unsigned long long)world.history);
	return 0;
}

int main(int argc, char **argv)
{
	struct options options = {.seed = 1};

	for (int i = 1; i < argc; i++)
		read_option(&options, argv, &i);
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	return options.small ? small_all(options.small, options.nodes ? options.nodes : 1)
			     : live_seeds(&options);
}

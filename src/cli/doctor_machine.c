/* doctor_machine.c - zones, clock, limits, control groups: what the system gives. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#include "doctor.h"
#include "when.h"
#include "zone_data.h"
#include "zone_names.h"
#include "zoneinfo.h"

/* ---- zones ---- */

/* How many cannot be read; the first one's error is kept. */
static size_t count_bad(const struct zone_source *zones, const struct zone_names *names,
			struct err *first)
{
	size_t bad = 0;
	struct err err;

	for (size_t i = 0; i < names->count; i++)
		if (!zones->get(zones->context, names->names[i], &err) && bad++ == 0)
			err_set(first, "%s: %s", names->names[i], err.text);
	return bad;
}

static void judge_zones(struct doctor *doctor, struct zoneinfo *zoneinfo)
{
	static const char remedy[] = "install tzdata, or set TZDIR to where it is";
	const char *directory = zoneinfo_directory(zoneinfo);
	char version[ZONE_DATA_VERSION_MAX];
	const char *known = zone_data_version(directory, version);
	struct zone_names names = {0};
	struct err first;

	zone_names_read(&names, &doctor->arena, directory);
	size_t bad = count_bad(zoneinfo_source(zoneinfo), &names, &first);
	if (names.count == 0)
		doctor_say(doctor, "zone data", HEALTH_ERROR, remedy, "no zones in %s", directory);
	else if (bad == names.count)
		doctor_say(doctor, "zone data", HEALTH_ERROR, remedy,
			   "no zone in %s can be read: %s", directory, first.text);
	else if (bad)
		doctor_say(doctor, "zone data", HEALTH_WARNING, "install tzdata anew",
			   "%zu of %zu zones in %s cannot be read: %s", bad, names.count, directory,
			   first.text);
	else
		doctor_say(doctor, "zone data", HEALTH_OK, NULL, "%zu zones in %s, release %s",
			   names.count, directory, known ? known : "unknown");
}

void doctor_zones(struct doctor *doctor)
{
	struct zoneinfo *zoneinfo = zoneinfo_create(NULL);

	judge_zones(doctor, zoneinfo);
	zoneinfo_destroy(zoneinfo);
}

/* ---- the clock ---- */

/* Where the clock is the host's business, as far as one can tell from inside. */
static bool is_container(void)
{
	char environment[4096];
	struct stat st;
	bool is_one = stat("/.dockerenv", &st) == 0 || stat("/run/.containerenv", &st) == 0;
	FILE *file = fopen("/proc/1/environ", "re");

	if (!file)
		return is_one;
	size_t n = fread(environment, 1, sizeof(environment), file);
	fclose(file);
	return is_one || memmem(environment, n, "container=", 10) != NULL;
}

static void judge_synchronised(struct doctor *doctor)
{
	struct timex t = {.modes = 0};
	int state = adjtimex(&t);

	if (state < 0)
		doctor_say(doctor, "clock in step", HEALTH_UNKNOWN, NULL,
			   "the system does not tell: %s", strerror(errno));
	else if (state != TIME_ERROR && !(t.status & STA_UNSYNC))
		doctor_say(doctor, "clock in step", HEALTH_OK, NULL,
			   "synchronised, at most %ld ms off", t.maxerror / 1000);
	else if (is_container())
		doctor_say(doctor, "clock in step", HEALTH_UNKNOWN, NULL,
			   "this is a container; its host keeps the clock");
	else
		doctor_say(doctor, "clock in step", HEALTH_WARNING,
			   "let systemd-timesyncd, chrony or another NTP service keep it",
			   "not synchronised: jobs run when this clock says so");
}

void doctor_clock(struct doctor *doctor)
{
	/* This belfry was written in 2026; schedules end with 2199. */
	static const struct utc earliest = {INT64_C(1767225600000)};
	static const struct utc latest = {INT64_C(4102444800000)};
	struct utc now = when_now();
	char text[UTC_TEXT_MAX];
	bool is_wrong = now.ms < earliest.ms || now.ms > latest.ms;

	now.ms -= now.ms % 1000;
	doctor_say(doctor, "clock", is_wrong ? HEALTH_ERROR : HEALTH_OK,
		   is_wrong ? "set the clock; until then nothing runs when it should" : NULL, "%s",
		   utc_format(now, text));
	judge_synchronised(doctor);
}

/* ---- limits ---- */

void doctor_files(struct doctor *doctor)
{
	/* Four for each of the 64 runs at a time, connections, and some. */
	enum { ENOUGH = 512 };
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		doctor_say(doctor, "open files", HEALTH_UNKNOWN, NULL, "%s", strerror(errno));
	else if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < ENOUGH)
		doctor_say(doctor, "open files", HEALTH_WARNING,
			   "raise it (ulimit -n, LimitNOFILE=), or run fewer at a time with "
			   "serve --max-running",
			   "only %" PRIu64 " may be open; %d are enough for 64 runs at a time",
			   (uint64_t)limit.rlim_cur, ENOUGH);
	else
		doctor_say(doctor, "open files", HEALTH_OK, NULL, "%" PRIu64 " may be open",
			   (uint64_t)limit.rlim_cur);
}

/* ---- control groups ---- */

/* The line "0::/path" of version 2 (cgroups(7)). */
static bool find_own_group(char *own, size_t size)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[4096];
	bool is_found = false;

	while (file && !is_found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		is_found = strncmp(line, "0::/", 4) == 0 &&
			   (size_t)snprintf(own, size, "/sys/fs/cgroup%s",
					    line[4] ? line + 3 : "") < size;
	}
	if (file)
		fclose(file);
	return is_found;
}

void doctor_cgroup(struct doctor *doctor)
{
	char path[4200];

	if (find_own_group(path, sizeof(path)) && access(path, W_OK | X_OK) == 0)
		doctor_say(doctor, "control groups", HEALTH_INFO, NULL,
			   "each job has one of its own, in %s", path);
	else
		doctor_say(doctor, "control groups", HEALTH_INFO, NULL,
			   "not to be had; a job's processes are found by their session");
}

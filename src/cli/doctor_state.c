/* doctor_state.c - the state directory, the database in it, the disk below it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "doctor.h"

/* statfs(2): file systems of other machines, whose locks SQLite must not trust. */
static const struct {
	long type;
	const char *name;
} remote_systems[] = {
	{0x6969, "NFS"},      {0x517b, "SMB"},      {0xff534d42, "CIFS"},
	{0xfe534d42, "SMB2"}, {0x00c36400, "Ceph"}, {0x01021997, "9P"},
};

#define MIB (INT64_C(1) << 20)

/* ---- the directory ---- */

/* The nearest folder above that exists. */
static const char *existing(struct doctor *doctor, const char *path)
{
	struct stat st;

	while (stat(path, &st) != 0 && strcmp(path, "/") != 0 && strcmp(path, ".") != 0)
		path = arena_text(&doctor->arena, dirname(arena_text(&doctor->arena, path)));
	return path;
}

static void say_missing(struct doctor *doctor)
{
	const char *parent = existing(doctor, doctor->state);

	if (access(parent, W_OK | X_OK) == 0)
		doctor_say(doctor, "state directory", HEALTH_OK, NULL,
			   "%s is not there yet; belfry serve makes it", doctor->state);
	else
		doctor_say(doctor, "state directory", HEALTH_ERROR,
			   "make it for the user of belfry, or choose another one with --state",
			   "%s is not there, and may not be made in %s", doctor->state, parent);
}

static void say_place(struct doctor *doctor)
{
	struct statfs fs;

	if (statfs(doctor->state, &fs) != 0)
		return;
	for (size_t i = 0; i < sizeof(remote_systems) / sizeof(remote_systems[0]); i++)
		if ((uint32_t)fs.f_type == (uint32_t)remote_systems[i].type)
			doctor_say(doctor, "state directory", HEALTH_WARNING,
				   "move it to a local disk: SQLite cannot rely on remote locks",
				   "%s lies on %s", doctor->state, remote_systems[i].name);
}

static void judge_directory(struct doctor *doctor, const struct stat *st)
{
	const char *state = doctor->state;
	unsigned mode = st->st_mode & 07777;

	if (!S_ISDIR(st->st_mode))
		doctor_say(doctor, "state directory", HEALTH_ERROR,
			   "choose another one with --state", "%s is no directory", state);
	else if (st->st_uid != geteuid() && geteuid() != 0)
		doctor_say(doctor, "state directory", HEALTH_ERROR,
			   "run belfry as its owner, or give it to the user of belfry with chown",
			   "%s belongs to user %u, and this is user %u", state, st->st_uid,
			   geteuid());
	else if (access(state, R_OK | W_OK | X_OK) != 0)
		doctor_say(doctor, "state directory", HEALTH_ERROR, "chmod 700 it",
			   "%s (mode %04o) may not be written to", state, mode);
	else if (mode & 022)
		doctor_say(doctor, "state directory", HEALTH_ERROR,
			   "chmod 700 it: who can write there can run commands as belfry",
			   "%s (mode %04o) may be written to by other users", state, mode);
	else if (mode & 055)
		doctor_say(doctor, "state directory", HEALTH_WARNING,
			   "chmod 700 it: jobs' output is in there",
			   "%s (mode %04o) may be read by other users", state, mode);
	else
		doctor_say(doctor, "state directory", HEALTH_OK, NULL, "%s, mode %04o", state,
			   mode);
}

void doctor_state(struct doctor *doctor)
{
	struct stat st;

	if (!doctor->state) {
		doctor_say(doctor, "state directory", HEALTH_ERROR, "use --state or BELFRY_STATE",
			   "there is no usual place for it: HOME is not set");
		return;
	}
	if (stat(doctor->state, &st) == 0) {
		judge_directory(doctor, &st);
		say_place(doctor);
	} else if (errno == ENOENT) {
		say_missing(doctor);
	} else {
		doctor_say(doctor, "state directory", HEALTH_ERROR,
			   "choose another one with --state, or open the way to it",
			   "%s cannot be looked at: %s", doctor->state, strerror(errno));
	}
}

/* ---- the database ---- */

/* What SQLite says about it; NULL: nothing. */
static const char *try_database(struct doctor *doctor, const char *path)
{
	sqlite3 *database = NULL;
	sqlite3_stmt *row = NULL;
	const char *problem = NULL;
	struct err log;

	if (sqlite3_open_v2(path, &database, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
	    sqlite3_busy_timeout(database, 2000) != SQLITE_OK ||
	    sqlite3_prepare_v2(database, "PRAGMA quick_check(1)", -1, &row, NULL) != SQLITE_OK ||
	    sqlite3_step(row) != SQLITE_ROW)
		problem = arena_text(&doctor->arena,
				     database ? sqlite3_errmsg(database) : "out of memory");
	else if (strcmp((const char *)sqlite3_column_text(row, 0), "ok") != 0)
		problem = arena_text(&doctor->arena, (const char *)sqlite3_column_text(row, 0));
	sqlite3_finalize(row);
	sqlite3_close(database);
	if (!problem && !doctor_log_is_whole(path, &log))
		problem = arena_text(&doctor->arena, log.text);
	return problem;
}

/* The daemon's lock tells whether one is at work here. */
static bool is_in_use(struct doctor *doctor)
{
	const char *path = arena_format(&doctor->arena, "%s/lock", doctor->state);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool is_locked = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;

	if (fd >= 0)
		close(fd);
	return is_locked;
}

void doctor_database(struct doctor *doctor)
{
	struct stat st;

	if (!doctor->state)
		return;
	const char *path = arena_format(&doctor->arena, "%s/belfry.db", doctor->state);
	if (stat(path, &st) != 0) {
		if (errno == ENOENT)
			doctor_say(doctor, "database", HEALTH_OK, NULL,
				   "none yet; belfry serve makes it");
		else
			doctor_say(doctor, "database", HEALTH_ERROR, "see the state directory",
				   "%s cannot be looked at: %s", path, strerror(errno));
		return;
	}
	const char *problem = try_database(doctor, path);
	if (problem)
		doctor_say(doctor, "database", HEALTH_ERROR,
			   "stop belfry and run it with --repair, or put a backup in its place",
			   "%s: %s", path, problem);
	else
		doctor_say(doctor, "database", HEALTH_OK, NULL, "%s, %" PRId64 " KiB%s", path,
			   (int64_t)st.st_size / 1024,
			   is_in_use(doctor) ? ", in use by a running belfry" : "");
}

/* ---- the disk ---- */

/* Nearly full: under 1 % or 16 MiB; getting there: under 5 % or 100 MiB. */
static enum health judge_room(int64_t free, int64_t all, int64_t least, int64_t some)
{
	if (free < least || free < all / 100)
		return HEALTH_ERROR;
	return free < some || free < all / 20 ? HEALTH_WARNING : HEALTH_OK;
}

void doctor_disk(struct doctor *doctor)
{
	static const char remedy[] = "make room: when the disk is full nothing new starts";
	struct statvfs fs;

	if (!doctor->state)
		return;
	const char *path = existing(doctor, doctor->state);
	if (statvfs(path, &fs) != 0) {
		doctor_say(doctor, "disk space", HEALTH_UNKNOWN, NULL, "%s: %s", path,
			   strerror(errno));
		return;
	}
	int64_t unit = (int64_t)fs.f_frsize;
	int64_t free = (int64_t)fs.f_bavail * unit, all = (int64_t)fs.f_blocks * unit;
	enum health health = judge_room(free, all, 16 * MIB, 100 * MIB);
	doctor_say(doctor, "disk space", health, health == HEALTH_OK ? NULL : remedy,
		   "%" PRId64 " of %" PRId64 " MiB free", free / MIB, all / MIB);
	if (fs.f_files == 0) /* no fixed number of them: btrfs and its like */
		return;
	health = judge_room((int64_t)fs.f_favail, (int64_t)fs.f_files, 100, 1000);
	doctor_say(doctor, "disk inodes", health, health == HEALTH_OK ? NULL : remedy,
		   "%" PRId64 " of %" PRId64 " free", (int64_t)fs.f_favail, (int64_t)fs.f_files);
}

/*
 * fly_record.c - the small files by which a run's Machine is found again; see fly.h.
 *
 * STATE/fly/RUN, JSON. Written and synced before anything is asked of Fly, so that after a
 * crash it is known where to look, and that without it nothing can be there.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fly.h"

enum { RECORD_MAX = 16 << 10 };

static bool write_file(int folder, const char *name, const char *text, struct err *err)
{
	char fresh[64];
	size_t length = strlen(text);

	snprintf(fresh, sizeof(fresh), "%s.new", name);
	int fd = openat(folder, fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool ok = fd >= 0 && write(fd, text, length) == (ssize_t)length && fdatasync(fd) == 0;
	int number = errno;
	if (fd >= 0)
		close(fd);
	if (ok && renameat(folder, fresh, folder, name) != 0) {
		number = errno;
		ok = false;
	}
	if (!ok)
		return err_errno(err, number, "cannot write fly/%s in the state directory", name);
	return fsync(folder) == 0 || err_errno(err, errno, "cannot sync the state directory");
}

static json_t *read_file(int folder, const char *name)
{
	char text[RECORD_MAX];
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd >= 0 ? read(fd, text, sizeof(text)) : -1;

	if (fd >= 0)
		close(fd);
	return length > 0 ? json_loadb(text, (size_t)length, 0, NULL) : NULL;
}

/* Which belfry this is: drawn once for each state directory. */
static bool find_home(struct fly *fly, struct err *err)
{
	json_t *json = read_file(fly->folder, "home");
	const char *home = json_string_value(json_object_get(json, "home"));
	unsigned char drawn[16];
	char text[64];

	if (home && strlen(home) == sizeof(fly->home) - 1) {
		memcpy(fly->home, home, sizeof(fly->home));
		json_decref(json);
		return true;
	}
	json_decref(json);
	/* Another mark would make strangers of all Machines that there are. */
	if (faccessat(fly->folder, "home", F_OK, 0) == 0)
		return err_set(err, "fly/home in the state directory cannot be read, or is none of "
				    "belfry's; restore it, or remove it if no Machine of belfry's "
				    "is left");
	if (sodium_init() < 0)
		return err_set(err, "libsodium cannot be set up");
	randombytes_buf(drawn, sizeof(drawn));
	sodium_bin2hex(fly->home, sizeof(fly->home), drawn, sizeof(drawn));
	snprintf(text, sizeof(text), "{\"home\":\"%s\"}\n", fly->home);
	return write_file(fly->folder, "home", text, err);
}

bool fly_records_open(struct fly *fly, const char *state, struct err *err)
{
	struct buf path = {0};

	buf_format(&path, "%s/fly", state);
	bool ok = mkdir(buf_string(&path), 0700) == 0 || errno == EEXIST ||
		  err_errno(err, errno, "cannot make %s", buf_string(&path));
	if (ok) {
		fly->folder = open(buf_string(&path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ok = fly->folder >= 0 || err_errno(err, errno, "cannot open %s", buf_string(&path));
	}
	buf_finish(&path);
	return ok && find_home(fly, err);
}

bool fly_record_write(const struct fly_ward *ward, struct err *err)
{
	char name[RUN_ID_TEXT_MAX];
	struct buf json = {0};

	buf_json_open(&json, NULL, '{');
	buf_json_text(&json, "app", ward->app);
	buf_json_text(&json, "machine", ward->machine);
	buf_json_int(&json, "attempt", ward->attempt);
	buf_json_int(&json, "timeout_ms", ward->timeout_ms);
	buf_json_int(&json, "grace_ms", ward->grace_ms);
	buf_json_close(&json, '}');
	buf_char(&json, '\n');
	bool ok = write_file(ward->fly->folder, run_id_format(ward->run, name), buf_string(&json),
			     err);
	buf_finish(&json);
	return ok;
}

bool fly_record_read(struct fly *fly, uint64_t run, struct fly_ward *ward)
{
	char name[RUN_ID_TEXT_MAX];
	json_t *json = read_file(fly->folder, run_id_format(run, name));
	const char *app = json_string_value(json_object_get(json, "app"));
	const char *machine = json_string_value(json_object_get(json, "machine"));

	if (app) {
		ward->app = mem_copy_text(app);
		ward->machine = machine ? mem_copy_text(machine) : NULL;
		ward->attempt = (int32_t)json_integer_value(json_object_get(json, "attempt"));
		ward->timeout_ms = json_integer_value(json_object_get(json, "timeout_ms"));
		ward->grace_ms = json_integer_value(json_object_get(json, "grace_ms"));
	}
	json_decref(json);
	return app != NULL;
}

void fly_record_remove(const struct fly *fly, uint64_t run)
{
	char name[RUN_ID_TEXT_MAX];

	unlinkat(fly->folder, run_id_format(run, name), 0);
}

void fly_records_left(struct fly *fly, void (*fn)(struct fly *fly, uint64_t run))
{
	int copy = openat(fly->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = copy >= 0 ? fdopendir(copy) : NULL;
	uint64_t run;

	if (!folder && copy >= 0)
		close(copy);
	for (const struct dirent *entry; folder && (entry = readdir(folder));)
		if (run_id_parse(entry->d_name, &run) && !fly_ward_find(fly, run))
			fn(fly, run);
	if (folder)
		closedir(folder);
}

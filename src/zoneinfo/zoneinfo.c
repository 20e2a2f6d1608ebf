/* zoneinfo.c - loading and keeping zones; see zoneinfo.h. */
#include "zoneinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"
#include "str.h"
#include "zone_names.h"

enum { FILE_MAX = 1 << 20 };

struct entry {
	struct zone *zone;
	struct entry *next;
};

enum { BUCKETS = 64 };

struct zoneinfo {
	char *directory;
	struct entry *zones[BUCKETS]; /* by hash of the name */
	struct arena arena;           /* entries and names */
	struct zone_names names;      /* read when first asked for a near one */
	bool names_read;
	struct zone_source source;
};

static struct entry **bucket_of(struct zoneinfo *zoneinfo, const char *name)
{
	return &zoneinfo->zones[str_hash(STR_HASH_INIT, name, strlen(name)) % BUCKETS];
}

static bool read_all(int fd, size_t size, unsigned char *bytes, size_t *length)
{
	for (*length = 0; *length < size;) {
		ssize_t n = read(fd, bytes + *length, size - *length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n == 0;
		*length += (size_t)n;
	}
	return true;
}

/* Regular files only: a FIFO or device of a zone's name must not hold us up. */
static struct zone *load_fd(int fd, const char *name, struct err *err)
{
	struct stat st;
	size_t length;

	if (fstat(fd, &st) < 0)
		return err_errno(err, errno, "stat"), NULL;
	if (!S_ISREG(st.st_mode))
		return err_set(err, "is no regular file"), NULL;
	if (st.st_size > FILE_MAX)
		return err_set(err, "has %lld bytes; no zone is as large", (long long)st.st_size),
		       NULL;
	unsigned char *bytes = mem_alloc((size_t)st.st_size + 1);
	struct zone *zone = NULL;
	if (!read_all(fd, (size_t)st.st_size, bytes, &length))
		err_errno(err, errno, "read");
	else
		zone = zone_create(name, bytes, length, err);
	free(bytes);
	return zone;
}

static struct zone *load(const char *directory, const char *name, struct err *err)
{
	struct arena scratch = {0};
	const char *path = arena_format(&scratch, "%s/%s", directory, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct zone *zone = NULL;

	if (fd >= 0) {
		zone = load_fd(fd, name, err);
		if (!zone)
			err_wrap(err, "%s", path);
		close(fd);
	} else if (errno == ENOENT || errno == ENOTDIR) {
		err_set(err, "there is no zone of that name in %s", directory);
	} else {
		err_errno(err, errno, "open %s", path);
	}
	arena_finish(&scratch);
	return zone;
}

static const struct zone *get(void *context, const char *name, struct err *err)
{
	struct zoneinfo *zoneinfo = context;

	if (!zone_name_is_plausible(name)) {
		err_set(err, "not an IANA zone name such as Europe/Paris");
		return NULL;
	}
	struct entry **bucket = bucket_of(zoneinfo, name);
	for (struct entry *e = *bucket; e; e = e->next)
		if (str_equal(zone_name(e->zone), name))
			return e->zone;
	struct zone *zone = load(zoneinfo->directory, name, err);
	if (!zone)
		return NULL;
	struct entry *entry = arena_new(&zoneinfo->arena, struct entry);
	*entry = (struct entry){zone, *bucket};
	*bucket = entry;
	return zone;
}

static const char *nearest(void *context, const char *name)
{
	struct zoneinfo *zoneinfo = context;

	if (!zoneinfo->names_read) {
		zoneinfo->names_read = true;
		zone_names_read(&zoneinfo->names, &zoneinfo->arena, zoneinfo->directory);
	}
	return zone_names_nearest(&zoneinfo->names, name);
}

struct zoneinfo *zoneinfo_create(const char *directory)
{
	struct zoneinfo *zoneinfo = mem_alloc(sizeof(*zoneinfo));
	const char *tzdir = getenv("TZDIR");

	if (!directory)
		directory = str_empty(tzdir) ? "/usr/share/zoneinfo" : tzdir;
	zoneinfo->directory = mem_copy_text(directory);
	zoneinfo->source = (struct zone_source){get, nearest, zoneinfo};
	return zoneinfo;
}

void zoneinfo_destroy(struct zoneinfo *zoneinfo)
{
	if (!zoneinfo)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct entry *e = zoneinfo->zones[i]; e; e = e->next)
			zone_destroy(e->zone);
	arena_finish(&zoneinfo->arena);
	free(zoneinfo->directory);
	free(zoneinfo);
}

const struct zone_source *zoneinfo_source(struct zoneinfo *zoneinfo)
{
	return &zoneinfo->source;
}

const char *zoneinfo_directory(const struct zoneinfo *zoneinfo)
{
	return zoneinfo->directory;
}

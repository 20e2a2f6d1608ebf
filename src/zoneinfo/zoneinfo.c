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

enum { FILE_MAX = 1 << 20, BUCKETS = 64 };

/* One zone that was read. Of a name there is one that is current, and may be older
 * ones still in use. */
struct entry {
	struct zone *zone;
	struct stat seen; /* its file when last looked at; zeroed while there was none */
	char *trouble;    /* why that cannot be used; NULL if it is what `zone` is */
	bool is_replaced, is_used;
	struct entry *next;
};

struct zoneinfo {
	char *directory;
	struct entry *zones[BUCKETS]; /* by hash of the name */
	struct arena arena;           /* names */
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

static const char *path_of(const struct zoneinfo *zoneinfo, const char *name, struct arena *arena)
{
	return arena_format(arena, "%s/%s", zoneinfo->directory, name);
}

static struct zone *load(const struct zoneinfo *zoneinfo, const char *name, struct err *err)
{
	struct arena scratch = {0};
	const char *path = path_of(zoneinfo, name, &scratch);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct zone *zone = NULL;

	if (fd >= 0) {
		zone = load_fd(fd, name, err);
		if (!zone)
			err_wrap(err, "%s", path);
		close(fd);
	} else if (errno == ENOENT || errno == ENOTDIR) {
		err_set(err, "there is no zone of that name in %s", zoneinfo->directory);
	} else {
		err_errno(err, errno, "open %s", path);
	}
	arena_finish(&scratch);
	return zone;
}

/* Taken before the file is read: what is written meanwhile shows at the next look. */
static struct stat see(const struct zoneinfo *zoneinfo, const char *name)
{
	struct arena scratch = {0};
	struct stat st;

	if (stat(path_of(zoneinfo, name, &scratch), &st) != 0)
		st = (struct stat){0};
	arena_finish(&scratch);
	return st;
}

static struct entry *add(struct zoneinfo *zoneinfo, struct zone *zone, const struct stat *seen)
{
	struct entry **bucket = bucket_of(zoneinfo, zone_name(zone));
	struct entry *entry = mem_alloc(sizeof(*entry));

	*entry = (struct entry){.zone = zone, .seen = *seen, .next = *bucket};
	*bucket = entry;
	return entry;
}

static void discard(struct entry *entry)
{
	zone_destroy(entry->zone);
	free(entry->trouble);
	free(entry);
}

static const struct zone *get(void *context, const char *name, struct err *err)
{
	struct zoneinfo *zoneinfo = context;

	if (!zone_name_is_plausible(name)) {
		err_set(err, "not an IANA zone name such as Europe/Paris");
		return NULL;
	}
	for (struct entry *e = *bucket_of(zoneinfo, name); e; e = e->next)
		if (!e->is_replaced && str_equal(zone_name(e->zone), name))
			return e->zone;
	struct stat seen = see(zoneinfo, name);
	struct zone *zone = load(zoneinfo, name, err);
	return zone ? add(zoneinfo, zone, &seen)->zone : NULL;
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
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct entry *e = zoneinfo->zones[i], *next; e; e = next) {
			next = e->next;
			discard(e);
		}
	}
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

/* ---- the files as they are now ---- */

/* The change time too: it alone shows that a file may be read again. */
static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

struct look {
	struct zoneinfo *zoneinfo;
	zone_news_fn *tell;
	void *context;
	size_t changed;
};

static void lose(struct look *look, struct entry *entry, const char *why)
{
	bool is_news = !entry->trouble || !str_equal(entry->trouble, why);

	if (!is_news)
		return;
	free(entry->trouble);
	entry->trouble = mem_copy_text(why);
	look->tell(look->context, ZONE_LOST, zone_name(entry->zone), why);
}

static void take(struct look *look, struct entry *entry, struct zone *zone)
{
	bool is_changed = zone_rules(zone) != zone_rules(entry->zone);

	if (is_changed) {
		add(look->zoneinfo, zone, &entry->seen);
		entry->is_replaced = true;
		look->changed++;
		look->tell(look->context, ZONE_CHANGED, zone_name(zone), NULL);
	} else {
		zone_destroy(zone);
		if (entry->trouble)
			look->tell(look->context, ZONE_FOUND, zone_name(entry->zone), NULL);
	}
	free(entry->trouble);
	entry->trouble = NULL;
}

static void look_at(struct look *look, struct entry *entry)
{
	struct stat now = see(look->zoneinfo, zone_name(entry->zone));
	struct err err;

	if (entry->is_replaced || is_same(&now, &entry->seen))
		return;
	entry->seen = now;
	struct zone *zone = load(look->zoneinfo, zone_name(entry->zone), &err);
	if (zone)
		take(look, entry, zone);
	else
		lose(look, entry, err.text);
}

size_t zoneinfo_look(struct zoneinfo *zoneinfo, zone_news_fn *tell, void *context)
{
	struct look look = {zoneinfo, tell, context, 0};

	/* What takes an entry's place goes in front of its list, so it is not looked at. */
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct entry *e = zoneinfo->zones[i]; e; e = e->next)
			look_at(&look, e);
	return look.changed;
}

void zoneinfo_lost(const struct zoneinfo *zoneinfo, size_t max, struct buf *text)
{
	size_t told = 0;

	for (size_t i = 0; i < BUCKETS; i++) {
		for (const struct entry *e = zoneinfo->zones[i]; e && told < max; e = e->next) {
			if (!e->trouble)
				continue;
			buf_format(text, "%s%s: %s", told++ ? "\n" : "", zone_name(e->zone),
				   e->trouble);
		}
	}
}

void zoneinfo_folders(const struct zoneinfo *zoneinfo, struct arena *arena,
		      struct zone_folders *folders)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (const struct entry *e = zoneinfo->zones[i]; e; e = e->next)
			if (!e->is_replaced)
				zone_folders_add(folders, arena, zoneinfo->directory,
						 zone_name(e->zone));
}

void zoneinfo_use(struct zoneinfo *zoneinfo, const struct zone *zone)
{
	for (struct entry *e = *bucket_of(zoneinfo, zone_name(zone)); e; e = e->next)
		if (e->zone == zone)
			e->is_used = true;
}

void zoneinfo_sweep(struct zoneinfo *zoneinfo)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct entry **at = &zoneinfo->zones[i]; *at;) {
			struct entry *entry = *at;

			if (entry->is_used) {
				entry->is_used = false;
				at = &entry->next;
				continue;
			}
			*at = entry->next;
			discard(entry);
		}
	}
}

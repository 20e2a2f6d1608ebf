/*
 * wal.c - reads the write-ahead log as SQLite does, and then on; see wal.h.
 *
 * The format is SQLite's fileformat2, section 4: each frame's checksum goes on from the
 * one before. A commit is known to be good before the next one is written, so behind a
 * frame that was torn, or taken back by a rollback, there may be the end of a commit, and
 * of several that were taken back; but two that go on from each other were both good.
 */
#include "wal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "mem.h"

enum {
	HEADER = 32,
	FRAME_HEADER = 24,
	MAGIC = 0x377f0682, /* the last bit: checksums are big-endian */
	PAGE_MIN = 512,
	PAGE_MAX = 65536,
};

struct wal {
	int fd;
	bool is_big_endian;
	uint32_t page_size;
	uint32_t salt[2];
	uint32_t sum[2]; /* of all so far */
};

static uint32_t big(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint32_t little(const uint8_t *at)
{
	return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

static void add(struct wal *wal, const uint8_t *data, size_t length)
{
	for (size_t i = 0; i < length; i += 8) {
		uint32_t a = wal->is_big_endian ? big(data + i) : little(data + i);
		uint32_t b = wal->is_big_endian ? big(data + i + 4) : little(data + i + 4);

		wal->sum[0] += a + wal->sum[1];
		wal->sum[1] += b + wal->sum[0];
	}
}

static bool matches(const struct wal *wal, const uint8_t *sums)
{
	return wal->sum[0] == big(sums) && wal->sum[1] == big(sums + 4);
}

static bool read_header(struct wal *wal, const uint8_t header[HEADER])
{
	uint32_t magic = big(header);

	wal->is_big_endian = magic & 1;
	wal->page_size = big(header + 8);
	wal->salt[0] = big(header + 16);
	wal->salt[1] = big(header + 20);
	add(wal, header, 24);
	return (magic & ~1U) == MAGIC && wal->page_size >= PAGE_MIN && wal->page_size <= PAGE_MAX &&
	       (wal->page_size & (wal->page_size - 1)) == 0 && matches(wal, header + 24);
}

static bool is_of_this_log(const struct wal *wal, const uint8_t *frame)
{
	return big(frame) != 0 && big(frame + 8) == wal->salt[0] && big(frame + 12) == wal->salt[1];
}

/* Whether it goes on from the frame before. If not, what comes next may go on from it. */
static bool goes_on(struct wal *wal, const uint8_t *frame)
{
	if (!is_of_this_log(wal, frame))
		return false;
	add(wal, frame, 8);
	add(wal, frame + FRAME_HEADER, wal->page_size);
	if (matches(wal, frame + 16))
		return true;
	wal->sum[0] = big(frame + 16);
	wal->sum[1] = big(frame + 20);
	return false;
}

static bool read_frames(struct wal *wal, const char *path, struct err *err)
{
	size_t size = FRAME_HEADER + wal->page_size;
	uint8_t *frame = mem_alloc(size);
	off_t at = HEADER;
	int64_t good = 0;
	int commits = 0; /* in a row that go on from each other, behind a break */
	bool is_broken = false;

	for (; commits < 2 && pread(wal->fd, frame, size, at) == (ssize_t)size; at += (off_t)size) {
		bool is_next = goes_on(wal, frame);
		bool is_commit = is_of_this_log(wal, frame) && big(frame + 4) != 0;

		is_broken = is_broken || !is_next;
		good += !is_broken;
		if (is_broken)
			commits = (is_next ? commits : 0) + is_commit;
	}
	free(frame);
	return commits < 2 || err_set(err, "%s is damaged at frame %lld, and commits come after it",
				      path, (long long)good + 1);
}

static bool has_more(const struct wal *wal)
{
	uint8_t frame[FRAME_HEADER], nothing[FRAME_HEADER] = {0};

	return pread(wal->fd, frame, sizeof(frame), HEADER) == FRAME_HEADER &&
	       memcmp(frame, nothing, sizeof(frame)) != 0;
}

static bool check(struct wal *wal, const char *path, struct err *err)
{
	uint8_t header[HEADER];
	ssize_t n = pread(wal->fd, header, sizeof(header), 0);

	if (n < 0)
		return err_errno(err, errno, "cannot read %s", path);
	if (n < HEADER)
		return true;
	if (read_header(wal, header))
		return read_frames(wal, path, err);
	return !has_more(wal) || err_set(err, "%s is damaged: its header is none", path);
}

bool wal_check(const char *database, struct err *err)
{
	struct buf path = {0};
	struct wal wal = {.fd = -1};

	buf_format(&path, "%s-wal", database);
	wal.fd = open(buf_string(&path), O_RDONLY | O_CLOEXEC);
	bool ok = wal.fd >= 0 ? check(&wal, buf_string(&path), err)
			      : errno == ENOENT ||
					err_errno(err, errno, "cannot open %s", buf_string(&path));
	if (wal.fd >= 0)
		close(wal.fd);
	buf_finish(&path);
	return ok;
}

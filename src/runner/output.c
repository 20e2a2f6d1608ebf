/*
 * output.c - a cap on what a run prints: head and tail are kept.
 *
 * A job that prints without end fills neither the disk nor our memory, and how it
 * began and how it ended can still be read. The tail is a ring of frames in a file
 * without a name: the oldest make room for the newest.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner.h"
#include "wire.h"

enum { POUR_SIZE = 64 * 1024 };

bool output_takes(struct output *output, size_t length)
{
	output->total += length;
	/* Once something was held back, the order has to be kept. */
	if (output->last || output->lost || output->head + length > output->max / 2)
		return false;
	output->head += length;
	return true;
}

/* ---- the ring ---- */

static uint64_t ring_size(const struct output *output)
{
	return output->max / 2;
}

static bool make_file(struct output *output, int folder)
{
	char name[32];

	if (output->has_tail)
		return true;
	output->tail = openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (output->tail < 0) { /* not every file system has files without a name */
		snprintf(name, sizeof(name), "tail-%d", (int)getpid());
		output->tail = openat(folder, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		unlinkat(folder, name, 0);
	}
	output->has_tail = output->tail >= 0;
	return output->has_tail;
}

/* Both sides of the ring's end. False: not all of it. */
static bool move(const struct output *output, uint64_t at, char *data, size_t length, bool is_write)
{
	uint64_t size = ring_size(output), place = at % size;
	size_t first = length < size - place ? length : (size_t)(size - place);
	ssize_t n = is_write ? pwrite(output->tail, data, first, (off_t)place)
			     : pread(output->tail, data, first, (off_t)place);

	if (n != (ssize_t)first || first == length)
		return n == (ssize_t)first;
	n = is_write ? pwrite(output->tail, data + first, length - first, 0)
		     : pread(output->tail, data + first, length - first, 0);
	return n == (ssize_t)(length - first);
}

/* False: the file cannot be read, and all of it is given up. */
static bool drop_first(struct output *output)
{
	char header[SPOOL_HEADER];
	struct wire wire = {.at = header + 4, .end = header + sizeof(header)};

	if (!move(output, output->first, header, sizeof(header), false)) {
		output->first = output->last;
		return false;
	}
	uint32_t length = wire_u32(&wire);
	output->first += SPOOL_HEADER + length;
	output->lost += length;
	return true;
}

static bool make_room(struct output *output, size_t length)
{
	while (output->last + length - output->first > ring_size(output))
		if (output->first == output->last || !drop_first(output))
			return false;
	return true;
}

void output_keep(struct output *output, int folder, enum spool_kind stream, struct utc at,
		 const char *data, size_t length)
{
	struct buf buf = {0};

	spool_write(&buf, &(struct spool_frame){
				  .kind = stream, .at = at, .data = data, .length = length});
	if (make_file(output, folder) && make_room(output, buf.length) &&
	    move(output, output->last, buf.data, buf.length, true))
		output->last += buf.length;
	else
		output->lost += length;
	buf_finish(&buf);
}

/* ---- the end ---- */

static bool pour_gap(struct output *output, struct utc at, output_write_fn *write, void *context)
{
	struct buf buf = {0};

	if (!output->lost)
		return true;
	spool_write(&buf,
		    &(struct spool_frame){.kind = SPOOL_GAP, .at = at, .bytes = output->lost});
	bool is_done = write(context, buf.data, buf.length);
	buf_finish(&buf);
	if (is_done)
		output->lost = 0;
	return is_done;
}

bool output_pour(struct output *output, struct utc at, output_write_fn *write, void *context)
{
	static char data[POUR_SIZE];

	if (!pour_gap(output, at, write, context))
		return false;
	while (output->first < output->last) {
		uint64_t left = output->last - output->first;
		size_t length = left < sizeof(data) ? (size_t)left : sizeof(data);

		/* What cannot be read again is lost, as on any bad disk. */
		if (!move(output, output->first, data, length, false))
			break;
		if (!write(context, data, length))
			return false;
		output->first += length;
	}
	return true;
}

uint64_t output_untold(const struct output *output)
{
	return output->total - output->head;
}

void output_drop(struct output *output)
{
	output->first = output->last;
	output->lost = 0;
}

void output_finish(struct output *output)
{
	if (output->has_tail)
		close(output->tail);
	output->has_tail = false;
}

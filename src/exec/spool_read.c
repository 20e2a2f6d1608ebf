/* spool_read.c - reads spools into events and output, and removes them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "process.h"

enum { PIECE = 128 * 1024, LARGEST_FRAME = SPOOL_HEADER + SPOOL_PAYLOAD_MAX };

/* ---- frames ---- */

static void hand_on(struct process *process, const struct ward *ward, enum stream stream,
		    const struct spool_frame *frame, const char *data, size_t length)
{
	process->sink.output(process->sink.context, &(struct log_chunk){.run = ward->run,
									.attempt = ward->attempt,
									.position = ward->offset,
									.stream = stream,
									.at = frame->at,
									.data = data,
									.length = length});
}

static void hand_on_gap(struct process *process, const struct ward *ward,
			const struct spool_frame *frame)
{
	char text[120];
	int n = snprintf(text, sizeof(text),
			 "%" PRIu64
			 " bytes of output were not kept (a run's log has room for %d MiB)\n",
			 frame->bytes, ORDER_OUTPUT_MAX >> 20);

	hand_on(process, ward, STREAM_BELFRY, frame, text, (size_t)n);
}

static void hand_on_note(struct process *process, const struct ward *ward,
			 const struct spool_frame *frame)
{
	struct buf buf = {0};

	buf_add(&buf, frame->data, frame->length);
	buf_char(&buf, '\n');
	hand_on(process, ward, STREAM_BELFRY, frame, buf.data, buf.length);
	buf_finish(&buf);
}

/* The log of the run has it, and belfry's own. */
static void hand_on_torn(struct process *process, struct ward *ward,
			 const struct spool_frame *frame)
{
	char text[160];
	int n = snprintf(
		text, sizeof(text),
		"belfry-runner died while it wrote down what the run did: the last %" PRIu64
		" bytes were incomplete, and cut off\n",
		frame->bytes);

	hand_on(process, ward, STREAM_BELFRY, frame, text, (size_t)n);
	text[n - 1] = '\0';
	ward_notice(process, ward->run, text);
}

static void fail(struct process *process, struct ward *ward, const struct spool_frame *frame)
{
	char text[1024];

	snprintf(text, sizeof(text), "%.*s", (int)frame->length, frame->data);
	ward_start_failed(process, ward, text);
}

static void act(struct process *process, struct ward *ward, const struct spool_frame *frame)
{
	switch (frame->kind) {
	case SPOOL_HELD:
		ward->was_held = true;
		ward->held_at = frame->at;
		break;
	case SPOOL_STARTED: ward_started(process, ward, frame->at); break;
	case SPOOL_STDOUT:
		result_line_feed(&ward->result, frame->data, frame->length);
		hand_on(process, ward, STREAM_STDOUT, frame, frame->data, frame->length);
		break;
	case SPOOL_STDERR:
		hand_on(process, ward, STREAM_STDERR, frame, frame->data, frame->length);
		break;
	case SPOOL_GAP:
		result_line_end(&ward->result); /* no line goes across it */
		hand_on_gap(process, ward, frame);
		break;
	case SPOOL_NOTE: hand_on_note(process, ward, frame); break;
	case SPOOL_TORN: hand_on_torn(process, ward, frame); break;
	case SPOOL_FAILED: fail(process, ward, frame); break;
	case SPOOL_EXIT: ward_exited(process, ward, frame); break;
	}
}

static void damaged(struct process *process, struct ward *ward)
{
	char text[120], name[SPOOL_NAME_MAX];

	snprintf(text, sizeof(text), "its spool %s is damaged at byte %" PRId64,
		 spool_name(ward->run, ward->attempt, name), ward->offset);
	ward_lost(process, ward, text);
}

/* The whole frames in the text; what they took of it. */
static size_t act_on_all(struct process *process, struct ward *ward, const char *text,
			 size_t length)
{
	struct spool_frame frame;
	size_t at = 0, used;

	while (!ward->is_over) {
		enum spool_status status = spool_next(text + at, length - at, &frame, &used);

		if (status == SPOOL_BAD)
			damaged(process, ward);
		if (status != SPOOL_FRAME)
			break;
		act(process, ward, &frame);
		at += used;
		ward->offset += (int64_t)used;
	}
	return at;
}

/* ---- files ---- */

static char *room(struct process *process, size_t size)
{
	struct buf *buf = &process->text;

	if (buf->capacity < size) {
		buf->data = mem_resize(buf->data, size);
		buf->capacity = size;
	}
	return buf->data;
}

/* One piece from the offset on. False at the end of what is there. */
static bool read_piece(struct process *process, struct ward *ward, int fd, size_t size,
		       size_t *budget)
{
	char *data = room(process, size);
	ssize_t n = pread(fd, data, size, ward->offset);

	if (n <= 0)
		return false;
	size_t used = act_on_all(process, ward, data, (size_t)n);
	*budget -= used < *budget ? used : *budget;
	if (used == 0 && (size_t)n == size && size < LARGEST_FRAME)
		return read_piece(process, ward, fd, LARGEST_FRAME, budget);
	return used > 0 && (size_t)n == size;
}

bool spool_read(struct process *process, struct ward *ward, size_t *budget)
{
	char name[SPOOL_NAME_MAX];
	int fd = openat(process->spools, spool_name(ward->run, ward->attempt, name),
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool is_more = fd >= 0;

	while (is_more && !ward->is_over && *budget > 0)
		is_more = read_piece(process, ward, fd, PIECE, budget);
	if (fd >= 0)
		close(fd);
	return is_more && !ward->is_over;
}

bool spool_exists(struct process *process, uint64_t run, int32_t attempt)
{
	char name[SPOOL_NAME_MAX];

	return faccessat(process->spools, spool_name(run, attempt, name), F_OK, 0) == 0;
}

void spool_remove(struct process *process, uint64_t run, int32_t last)
{
	char name[SPOOL_NAME_MAX];

	for (int32_t attempt = 1; attempt <= last; attempt++)
		unlinkat(process->spools, spool_name(run, attempt, name), 0);
}

void spool_sweep(struct process *process)
{
	int fd = openat(process->spools, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	uint64_t run;
	int32_t attempt;

	while (folder && (entry = readdir(folder)))
		if (spool_name_parse(entry->d_name, &run, &attempt) && !ward_find(process, run) &&
		    !holding_has_run(process, run))
			unlinkat(process->spools, entry->d_name, 0);
	if (folder)
		closedir(folder);
	else if (fd >= 0)
		close(fd);
}

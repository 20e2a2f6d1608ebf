/* spool.c - frames of a spool file; see spool.h. */
#include "spool.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "str.h"
#include "wire.h"

static uint32_t checksum(const char *data, size_t length)
{
	uint64_t hash = str_hash(STR_HASH_INIT, data, length);

	return (uint32_t)(hash ^ hash >> 32);
}

const char *spool_name(uint64_t run, int32_t attempt, char name[SPOOL_NAME_MAX])
{
	snprintf(name, SPOOL_NAME_MAX, "%016" PRIx64 ".%" PRId32 ".spool", run, attempt);
	return name;
}

bool spool_name_parse(const char *name, uint64_t *run, int32_t *attempt)
{
	char again[SPOOL_NAME_MAX];

	return sscanf(name, "%16" SCNx64 ".%9" SCNd32, run, attempt) == 2 && *attempt > 0 &&
	       strcmp(name, spool_name(*run, *attempt, again)) == 0;
}

static void put_payload(struct buf *buf, const struct spool_frame *frame)
{
	switch (frame->kind) {
	case SPOOL_HELD:
		wire_put_u32(buf, frame->pid);
		wire_put_u64(buf, frame->start_ticks);
		wire_put_bytes(buf, frame->cgroup, frame->cgroup_length);
		break;
	case SPOOL_STARTED: break;
	case SPOOL_GAP:
	case SPOOL_TORN: wire_put_u64(buf, frame->bytes); break;
	case SPOOL_STDOUT:
	case SPOOL_STDERR:
	case SPOOL_NOTE:
	case SPOOL_FAILED: buf_add(buf, frame->data, frame->length); break;
	case SPOOL_EXIT:
		wire_put_i32(buf, frame->exit.exit_code);
		wire_put_i32(buf, frame->exit.signal);
		wire_put_u32(buf, frame->exit.timed_out);
		wire_put_u32(buf, frame->exit.out_of_memory);
		wire_put_u64(buf, frame->exit.output_bytes);
		wire_put_i64(buf, frame->exit.cpu_ms);
		wire_put_i64(buf, frame->exit.max_rss_kib);
		break;
	}
}

void spool_write(struct buf *buf, const struct spool_frame *frame)
{
	size_t start = buf->length;

	wire_put_u32(buf, 0); /* places of the checksum and the length */
	wire_put_u32(buf, 0);
	wire_put_u32(buf, frame->kind);
	wire_put_i64(buf, frame->at.ms);
	put_payload(buf, frame);
	size_t length = buf->length - start - SPOOL_HEADER;
	assert(length <= SPOOL_PAYLOAD_MAX);
	wire_patch_u32(buf, start + 4, (uint32_t)length);
	wire_patch_u32(buf, start, checksum(buf->data + start + 4, buf->length - start - 4));
}

static bool get_payload(struct spool_frame *frame)
{
	struct wire wire = {.at = frame->data, .end = frame->data + frame->length};

	switch (frame->kind) {
	case SPOOL_STDOUT:
	case SPOOL_STDERR:
	case SPOOL_NOTE:
	case SPOOL_FAILED: return true;
	case SPOOL_STARTED: break;
	case SPOOL_HELD:
		frame->pid = wire_u32(&wire);
		frame->start_ticks = wire_u64(&wire);
		if (wire.at == wire.end) /* an earlier version's */
			break;
		frame->cgroup_length = wire_count(&wire, 1);
		frame->cgroup = wire.at;
		break;
	case SPOOL_GAP:
	case SPOOL_TORN: frame->bytes = wire_u64(&wire); break;
	case SPOOL_EXIT:
		frame->exit.exit_code = wire_i32(&wire);
		frame->exit.signal = wire_i32(&wire);
		frame->exit.timed_out = wire_u32(&wire) != 0;
		frame->exit.out_of_memory = wire_u32(&wire) != 0;
		frame->exit.output_bytes = wire_u64(&wire);
		frame->exit.cpu_ms = wire_i64(&wire);
		frame->exit.max_rss_kib = wire_i64(&wire);
		break;
	default: break; /* a later version's */
	}
	return !wire.is_bad;
}

enum spool_status spool_next(const char *text, size_t length, struct spool_frame *frame,
			     size_t *used)
{
	struct wire wire = {.at = text, .end = text + length};

	if (length < SPOOL_HEADER)
		return SPOOL_MORE;
	*frame = (struct spool_frame){0};
	uint32_t sum = wire_u32(&wire);
	frame->length = wire_u32(&wire);
	frame->kind = (enum spool_kind)wire_u32(&wire);
	frame->at.ms = wire_i64(&wire);
	frame->data = wire.at;
	if (frame->length > SPOOL_PAYLOAD_MAX)
		return SPOOL_BAD;
	if (length - SPOOL_HEADER < frame->length)
		return SPOOL_MORE;
	*used = SPOOL_HEADER + frame->length;
	return sum == checksum(text + 4, *used - 4) && get_payload(frame) ? SPOOL_FRAME : SPOOL_BAD;
}

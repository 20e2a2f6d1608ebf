/*
 * output.c - a cap on what a run prints: head and tail are kept.
 *
 * A job that prints without end fills neither the disk nor our memory, and how it
 * began and how it ended can still be read.
 */
#include <stdlib.h>
#include <string.h>

#include "runner.h"

struct tail_chunk {
	struct tail_chunk *next;
	enum spool_kind stream;
	struct utc at;
	size_t length;
	char data[];
};

bool output_takes(struct output *output, size_t length)
{
	output->total += length;
	/* Once something was held back, the order has to be kept. */
	if (output->first || output->lost || output->head + length > output->max / 2)
		return false;
	output->head += length;
	return true;
}

static uint64_t weight(const struct tail_chunk *chunk)
{
	return sizeof(*chunk) + chunk->length;
}

static void drop_first(struct output *output)
{
	struct tail_chunk *chunk = output->first;

	output->first = chunk->next;
	output->tail -= weight(chunk);
	output->lost += chunk->length;
	free(chunk);
}

void output_keep(struct output *output, enum spool_kind stream, struct utc at, const char *data,
		 size_t length)
{
	struct tail_chunk *chunk = mem_alloc(sizeof(*chunk) + length);

	chunk->stream = stream;
	chunk->at = at;
	chunk->length = length;
	memcpy(chunk->data, data, length);
	*(output->first ? &output->last->next : &output->first) = chunk;
	output->last = chunk;
	output->tail += weight(chunk);
	while (output->first && output->tail > output->max / 2)
		drop_first(output);
}

uint64_t output_untold(const struct output *output)
{
	uint64_t bytes = output->lost;

	for (const struct tail_chunk *chunk = output->first; chunk; chunk = chunk->next)
		bytes += chunk->length;
	return bytes;
}

void output_finish(struct output *output, struct utc at, struct buf *buf)
{
	if (output->lost)
		spool_write(buf, &(struct spool_frame){
					 .kind = SPOOL_GAP, .at = at, .bytes = output->lost});
	while (output->first) {
		struct tail_chunk *chunk = output->first;

		spool_write(buf, &(struct spool_frame){.kind = chunk->stream,
						       .at = chunk->at,
						       .data = chunk->data,
						       .length = chunk->length});
		output->first = chunk->next;
		free(chunk);
	}
	output->tail = 0;
}

/* protocol.c - messages between belfry and its runner, as bytes; see protocol.h. */
#include "protocol.h"

#include <stdio.h>
#include <string.h>

#include "wire.h"

static const char prefix[] = "runner-";

const char *runner_name(const char *version, const char *what, char name[RUNNER_NAME_MAX])
{
	snprintf(name, RUNNER_NAME_MAX, "%s%s%s", prefix, version, what);
	return name;
}

bool runner_name_parse(const char *name, const char *what, char version[VERSION_TEXT_MAX])
{
	size_t before = sizeof(prefix) - 1, length = strlen(name), after = strlen(what);

	if (length <= before + after || length - before - after >= VERSION_TEXT_MAX ||
	    strncmp(name, prefix, before) != 0 || strcmp(name + length - after, what) != 0)
		return false;
	length -= before + after;
	memcpy(version, name + before, length);
	version[length] = '\0';
	return true;
}

static void put_list(struct buf *buf, const char *const *items)
{
	uint32_t count = 0;

	while (items[count])
		count++;
	wire_put_u32(buf, count);
	for (uint32_t i = 0; i < count; i++)
		wire_put_text(buf, items[i]);
}

static const char *const *get_list(struct wire *wire, struct arena *arena)
{
	uint32_t count = wire_count(wire, 4);
	const char **items = arena_array(arena, const char *, count + 1);

	for (uint32_t i = 0; i < count; i++) {
		items[i] = wire_text(wire, arena);
		if (!items[i])
			wire->is_bad = true;
	}
	return items;
}

static void put_order(struct buf *buf, const struct start_order *order)
{
	put_list(buf, order->argv);
	put_list(buf, order->env);
	wire_put_text(buf, order->cwd);
	wire_put_text(buf, order->program_shown);
	wire_put_text(buf, order->cwd_shown);
	wire_put_i64(buf, order->timeout_ms);
	wire_put_i64(buf, order->grace_ms);
	wire_put_u64(buf, order->output_max);
	wire_put_i32(buf, order->umask);
	for (int i = 0; i < LIMIT_COUNT; i++)
		wire_put_i64(buf, order->limits[i]);
	wire_put_u32(buf, order->no_new_privs);
	wire_put_u32(buf, order->has_user);
	wire_put_u32(buf, order->uid);
	wire_put_u32(buf, order->gid);
	wire_put_u32(buf, order->group_count);
	for (uint32_t i = 0; i < order->group_count; i++)
		wire_put_u32(buf, order->groups[i]);
}

static void get_order(struct wire *wire, struct arena *arena, struct start_order *order)
{
	order->argv = get_list(wire, arena);
	order->env = get_list(wire, arena);
	order->cwd = wire_text(wire, arena);
	order->program_shown = wire_text(wire, arena);
	order->cwd_shown = wire_text(wire, arena);
	order->timeout_ms = wire_i64(wire);
	order->grace_ms = wire_i64(wire);
	order->output_max = wire_u64(wire);
	order->umask = wire_i32(wire);
	for (int i = 0; i < LIMIT_COUNT; i++)
		order->limits[i] = wire_i64(wire);
	order->no_new_privs = wire_u32(wire) != 0;
	order->has_user = wire_u32(wire) != 0;
	order->uid = wire_u32(wire);
	order->gid = wire_u32(wire);
	order->group_count = wire_count(wire, 4);
	uint32_t *groups = arena_array(arena, uint32_t, order->group_count + 1);
	for (uint32_t i = 0; i < order->group_count; i++)
		groups[i] = wire_u32(wire);
	order->groups = groups;
	if (!order->argv[0] || !order->cwd || !order->program_shown || !order->cwd_shown ||
	    order->timeout_ms < 0 || order->grace_ms < 0)
		wire->is_bad = true;
}

void message_write(struct buf *buf, const struct message *message)
{
	wire_put_u32(buf, message->kind);
	wire_put_u64(buf, message->run);
	wire_put_i32(buf, message->attempt);
	wire_put_i64(buf, message->number);
	wire_put_text(buf, message->text);
	if (message->kind == MESSAGE_START)
		put_order(buf, &message->order);
}

bool message_read(const char *data, size_t length, struct arena *arena, struct message *message)
{
	struct wire wire = {.at = data, .end = data + length};
	uint32_t kind = wire_u32(&wire);

	*message = (struct message){.kind = (enum message_kind)kind};
	message->run = wire_u64(&wire);
	message->attempt = wire_i32(&wire);
	message->number = wire_i64(&wire);
	message->text = wire_text(&wire, arena);
	if (kind == MESSAGE_START)
		get_order(&wire, arena, &message->order);
	return !wire.is_bad && wire.at == wire.end && kind >= MESSAGE_HOLDS &&
	       kind <= MESSAGE_NOTICE;
}

/* throttle.c - who guesses tokens is made to wait; see throttle.h. */
#include "throttle.h"

#include <string.h>

static void key_of(const struct http_address *peer, uint8_t key[8])
{
	memset(key, 0, 8);
	if (peer->socket.any.sa_family == AF_INET6 &&
	    !IN6_IS_ADDR_V4MAPPED(&peer->socket.v6.sin6_addr))
		memcpy(key, peer->socket.v6.sin6_addr.s6_addr, 8);
	else if (peer->socket.any.sa_family == AF_INET6)
		memcpy(key + 4, peer->socket.v6.sin6_addr.s6_addr + 12, 4);
	else
		memcpy(key + 4, &peer->socket.v4.sin_addr, 4);
}

static struct throttle_entry *find(const struct throttle *throttle, const uint8_t key[8])
{
	for (size_t i = 0; i < throttle->count; i++)
		if (memcmp(throttle->entries[i].address, key, 8) == 0)
			return (struct throttle_entry *)(uintptr_t)&throttle->entries[i];
	return NULL;
}

static bool is_over(const struct throttle_entry *entry, struct mono now)
{
	return now.ms - entry->since.ms >= THROTTLE_MS;
}

int64_t throttle_wait_s(const struct throttle *throttle, const struct http_address *peer,
			struct mono now)
{
	uint8_t key[8];

	key_of(peer, key);
	const struct throttle_entry *entry = find(throttle, key);
	if (!entry || is_over(entry, now) || entry->failures < THROTTLE_FAILURES)
		return 0;
	return (entry->since.ms + THROTTLE_MS - now.ms + 999) / 1000;
}

/* A free one, else the one that began longest ago. */
static struct throttle_entry *take_entry(struct throttle *throttle)
{
	struct throttle_entry *oldest = &throttle->entries[0];

	if (throttle->count < THROTTLE_ADDRESSES)
		return &throttle->entries[throttle->count++];
	for (size_t i = 1; i < throttle->count; i++)
		if (throttle->entries[i].since.ms < oldest->since.ms)
			oldest = &throttle->entries[i];
	return oldest;
}

void throttle_failed(struct throttle *throttle, const struct http_address *peer, struct mono now)
{
	uint8_t key[8];

	key_of(peer, key);
	struct throttle_entry *entry = find(throttle, key);
	if (!entry || is_over(entry, now)) {
		if (!entry)
			entry = take_entry(throttle);
		memcpy(entry->address, key, 8);
		entry->failures = 0;
		entry->since = now;
	}
	entry->failures++;
}

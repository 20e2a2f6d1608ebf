/*
 * throttle.h - who guesses tokens is made to wait, by address. Pure.
 *
 * So many failures within a minute, then nothing is looked at for the rest of it. An
 * address is a whole IPv4 address, or the network half of an IPv6 one (RFC 6177). Of
 * more addresses than there is room for the one that is quiet longest is forgotten.
 */
#ifndef BELFRY_THROTTLE_H
#define BELFRY_THROTTLE_H

#include "http_address.h"
#include "instant.h"

enum { THROTTLE_FAILURES = 10, THROTTLE_MS = 60000, THROTTLE_ADDRESSES = 512 };

struct throttle {
	struct throttle_entry {
		uint8_t address[8];
		int32_t failures;
		struct mono since; /* of the first failure of this minute */
	} entries[THROTTLE_ADDRESSES];
	size_t count;
};

/* Seconds to wait, at least 1; 0: go on. */
int64_t throttle_wait_s(const struct throttle *throttle, const struct http_address *peer,
			struct mono now);
void throttle_failed(struct throttle *throttle, const struct http_address *peer, struct mono now);

#endif

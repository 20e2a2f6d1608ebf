/*
 * http_forwarded.h - who asks, behind proxies that are trusted to say so.
 *
 * Of X-Forwarded-For the rightmost address that is none of a trusted proxy counts:
 * what stands left of it anybody may have written.
 */
#ifndef BELFRY_HTTP_FORWARDED_H
#define BELFRY_HTTP_FORWARDED_H

#include <stddef.h>
#include <stdint.h>

#include "http_address.h"

enum { HTTP_PROXIES_MAX = 16 };

struct http_proxies {
	struct {
		uint8_t address[16]; /* IPv4 as ::ffff:0:0/96 (RFC 4291) */
		unsigned bits;
	} nets[HTTP_PROXIES_MAX];
	size_t count;
};

/* "10.0.0.0/8, fd00::/8, 127.0.0.1"; NULL or "": none. */
bool http_proxies_parse(const char *text, struct http_proxies *proxies, struct err *err);
bool http_proxies_trust(const struct http_proxies *proxies, const struct http_address *peer);
/* The address that counts; forwarded is the header, NULL if absent. */
struct http_address http_forwarded_peer(const struct http_proxies *proxies,
					const struct http_address *peer, const char *forwarded);

#endif

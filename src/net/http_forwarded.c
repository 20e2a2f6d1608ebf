/* http_forwarded.c - who asks, behind trusted proxies; see http_forwarded.h. */
#include "http_forwarded.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_MAX = 64 };

static void to_bytes(const struct http_address *address, uint8_t bytes[16])
{
	memset(bytes, 0, 16);
	if (address->socket.any.sa_family == AF_INET6) {
		memcpy(bytes, &address->socket.v6.sin6_addr, 16);
		return;
	}
	bytes[10] = bytes[11] = 0xff;
	memcpy(bytes + 12, &address->socket.v4.sin_addr, 4);
}

/* A bare address; *is_v4 tells which. */
static bool parse_address(const char *text, struct http_address *address, bool *is_v4)
{
	*address = (struct http_address){0};
	*is_v4 = inet_pton(AF_INET, text, &address->socket.v4.sin_addr) == 1;
	if (*is_v4) {
		address->socket.v4.sin_family = AF_INET;
		address->length = sizeof(address->socket.v4);
		return true;
	}
	address->socket.v6.sin6_family = AF_INET6;
	address->length = sizeof(address->socket.v6);
	return inet_pton(AF_INET6, text, &address->socket.v6.sin6_addr) == 1;
}

/* Copies the word that begins at text, up to an end character. */
static bool take_word(const char *text, size_t length, char word[WORD_MAX])
{
	while (length && (*text == ' ' || *text == '\t')) {
		text++;
		length--;
	}
	while (length && (text[length - 1] == ' ' || text[length - 1] == '\t'))
		length--;
	if (length == 0 || length >= WORD_MAX)
		return false;
	memcpy(word, text, length);
	word[length] = '\0';
	return true;
}

static bool parse_net(char word[WORD_MAX], struct http_proxies *proxies)
{
	char *slash = strchr(word, '/'), *end;
	struct http_address address;
	unsigned long bits;
	bool is_v4;

	if (slash)
		*slash = '\0';
	if (!parse_address(word, &address, &is_v4))
		return false;
	unsigned most = is_v4 ? 32 : 128;
	bits = slash ? strtoul(slash + 1, &end, 10) : most;
	if (slash && (slash[1] < '0' || slash[1] > '9' || *end || bits > most))
		return false;
	to_bytes(&address, proxies->nets[proxies->count].address);
	proxies->nets[proxies->count].bits = (unsigned)bits + (is_v4 ? 96 : 0);
	proxies->count++;
	return true;
}

bool http_proxies_parse(const char *text, struct http_proxies *proxies, struct err *err)
{
	char word[WORD_MAX];

	*proxies = (struct http_proxies){0};
	for (const char *at = text; at && *at; at += *at == ',') {
		size_t length = strcspn(at, ",");

		if (proxies->count == HTTP_PROXIES_MAX)
			return err_set(err, "more than %d proxies", HTTP_PROXIES_MAX);
		if (!take_word(at, length, word) || !parse_net(word, proxies))
			return err_set(err, "\"%.*s\" is no address or network, such as 10.0.0.0/8",
				       (int)length, at);
		at += length;
	}
	return true;
}

static bool is_in(const uint8_t address[16], const uint8_t net[16], unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	unsigned mask = 0xff00U >> rest & 0xff;

	return memcmp(address, net, whole) == 0 &&
	       (rest == 0 || ((address[whole] ^ net[whole]) & mask) == 0);
}

bool http_proxies_trust(const struct http_proxies *proxies, const struct http_address *peer)
{
	uint8_t bytes[16];

	to_bytes(peer, bytes);
	for (size_t i = 0; i < proxies->count; i++)
		if (is_in(bytes, proxies->nets[i].address, proxies->nets[i].bits))
			return true;
	return false;
}

struct http_address http_forwarded_peer(const struct http_proxies *proxies,
					const struct http_address *peer, const char *forwarded)
{
	struct http_address at = *peer;
	size_t end = forwarded ? strlen(forwarded) : 0;

	while (end > 0 && http_proxies_trust(proxies, &at)) {
		size_t start = end;
		struct http_address next;
		char word[WORD_MAX];
		bool is_v4;

		while (start > 0 && forwarded[start - 1] != ',')
			start--;
		if (!take_word(forwarded + start, end - start, word) ||
		    !parse_address(word, &next, &is_v4))
			break; /* nothing left of it counts for anything */
		at = next;
		end = start ? start - 1 : 0;
	}
	return at;
}

/*
 * http_address.h - addresses a server listens at, and the names it may be called.
 *
 * Numeric addresses only, and "localhost", which means 127.0.0.1: nothing is
 * looked up in the network.
 */
#ifndef BELFRY_HTTP_ADDRESS_H
#define BELFRY_HTTP_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "err.h"

struct http_address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} socket;
	socklen_t length;
};

/* "127.0.0.1:7420", "[::1]:7420", "localhost:0", ":7420" (127.0.0.1). */
bool http_address_parse(const char *text, struct http_address *address, struct err *err);

/* As http_address_parse reads it. */
enum { HTTP_ADDRESS_TEXT_MAX = INET6_ADDRSTRLEN + 10 };
const char *http_address_format(const struct http_address *address,
				char text[HTTP_ADDRESS_TEXT_MAX]);

bool http_address_is_loopback(const struct http_address *address);

/* Whether a Host header names the loopback interface: localhost, *.localhost, an
 * address of 127.0.0.0/8, [::1]; any port. A page on the web that had its own
 * name resolve to 127.0.0.1 (DNS rebinding) sends that name. */
bool http_host_is_loopback(const char *host);

/* Of an http or https URL. */
bool http_url_is_loopback(const char *url);

#endif

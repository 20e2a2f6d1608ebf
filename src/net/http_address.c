/* http_address.c - listen addresses and Host headers; see http_address.h. */
#include "http_address.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool parse_port(const char *text, uint16_t *port)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	unsigned long value = strtoul(text, &end, 10);
	*port = (uint16_t)value;
	return *end == '\0' && value <= UINT16_MAX;
}

/* Splits "host:port" and "[host]:port"; host may be empty. */
static bool split(const char *text, char host[64], const char **port)
{
	const char *end = text[0] == '[' ? strchr(text, ']') : strrchr(text, ':');
	const char *start = text[0] == '[' ? text + 1 : text;

	if (!end || end - start >= 64)
		return false;
	*port = end + (text[0] == '[' ? 1 : 0);
	if (**port != ':')
		return false;
	(*port)++;
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = '\0';
	return true;
}

bool http_address_parse(const char *text, struct http_address *address, struct err *err)
{
	char host[64];
	const char *port_text;
	uint16_t port;

	*address = (struct http_address){0};
	if (!split(text, host, &port_text) || !parse_port(port_text, &port))
		return err_set(err,
			       "\"%s\" is no address: write ADDRESS:PORT, such as 127.0.0.1:7420",
			       text);
	if (host[0] == '\0' || strcasecmp(host, "localhost") == 0)
		strcpy(host, "127.0.0.1");
	if (inet_pton(AF_INET, host, &address->socket.v4.sin_addr) == 1) {
		address->socket.v4.sin_family = AF_INET;
		address->socket.v4.sin_port = htons(port);
		address->length = sizeof(address->socket.v4);
		return true;
	}
	if (inet_pton(AF_INET6, host, &address->socket.v6.sin6_addr) == 1) {
		address->socket.v6.sin6_family = AF_INET6;
		address->socket.v6.sin6_port = htons(port);
		address->length = sizeof(address->socket.v6);
		return true;
	}
	return err_set(err, "\"%s\" is no address: write it in numbers, such as 127.0.0.1:7420",
		       text);
}

const char *http_address_format(const struct http_address *address,
				char text[HTTP_ADDRESS_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN] = "";

	if (address->socket.any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &address->socket.v6.sin6_addr, host, sizeof(host));
		snprintf(text, HTTP_ADDRESS_TEXT_MAX, "[%s]:%u", host,
			 ntohs(address->socket.v6.sin6_port));
	} else {
		inet_ntop(AF_INET, &address->socket.v4.sin_addr, host, sizeof(host));
		snprintf(text, HTTP_ADDRESS_TEXT_MAX, "%s:%u", host,
			 ntohs(address->socket.v4.sin_port));
	}
	return text;
}

bool http_address_is_loopback(const struct http_address *address)
{
	if (address->socket.any.sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&address->socket.v6.sin6_addr);
	return ntohl(address->socket.v4.sin_addr.s_addr) >> 24 == 127;
}

static bool ends_with_localhost(const char *host)
{
	static const char name[] = "localhost";
	size_t length = strlen(host), n = sizeof(name) - 1;

	return length >= n && strcasecmp(host + length - n, name) == 0 &&
	       (length == n || host[length - n - 1] == '.');
}

bool http_host_is_loopback(const char *host)
{
	char name[64];
	size_t length = host[0] == '[' ? strcspn(host, "]") : strcspn(host, ":");
	size_t start = host[0] == '[';
	struct http_address address = {0};
	uint16_t port;

	if (length - start >= sizeof(name) || length <= start || (start && host[length] != ']'))
		return false;
	memcpy(name, host + start, length - start);
	name[length - start] = '\0';
	const char *rest = host + length + start;
	if (*rest && (*rest != ':' || !parse_port(rest + 1, &port)))
		return false;
	if (start) {
		address.socket.any.sa_family = AF_INET6;
		return inet_pton(AF_INET6, name, &address.socket.v6.sin6_addr) == 1 &&
		       http_address_is_loopback(&address);
	}
	address.socket.any.sa_family = AF_INET;
	if (inet_pton(AF_INET, name, &address.socket.v4.sin_addr) == 1)
		return http_address_is_loopback(&address);
	return ends_with_localhost(name);
}

bool http_url_is_loopback(const char *url)
{
	const char *scheme = strstr(url, "://");
	const char *host = scheme ? scheme + 3 : url;
	size_t length = strcspn(host, "/?#");
	const char *user = memrchr(host, '@', length);
	char text[128];

	if (user) {
		length -= (size_t)(user + 1 - host);
		host = user + 1;
	}
	if (length >= sizeof(text))
		return false;
	memcpy(text, host, length);
	text[length] = '\0';
	return http_host_is_loopback(text);
}

/* listen.c - a listening TCP socket from "ADDR:PORT"; see listen.h. */
#include "listen.h"
#include "text.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char how[] = "give --listen ADDR:PORT, e.g. 0.0.0.0:3000 or [::1]:3000";

/* Cuts "ADDR:PORT" in two, in place. */
static bool split(char *where, char **host, char **port)
{
	char *colon = strrchr(where, ':');
	if (colon == NULL || colon == where || colon[1] == '\0' || strlen(colon + 1) > 5 ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1) || atoi(colon + 1) > 65535)
		return false;
	*colon = '\0';
	*port = colon + 1;
	*host = where;
	if (where[0] == '[' && colon[-1] == ']') {
		colon[-1] = '\0';
		*host = where + 1;
	}
	return **host != '\0';
}

static int open_socket(const struct addrinfo *address)
{
	int on = 1;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	int number = errno;
	close(fd);
	errno = number;
	return -1;
}

static int port_of(int fd)
{
	struct sockaddr_storage storage = {0};
	socklen_t size = sizeof(storage);
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	if (getsockname(fd, (struct sockaddr *)&storage, &size) != 0)
		return 0;
	memcpy(&v4, &storage, sizeof(v4));
	memcpy(&v6, &storage, sizeof(v6));
	return ntohs(storage.ss_family == AF_INET6 ? v6.sin6_port : v4.sin_port);
}

int listen_on(const char *where, int *port, struct problem *problem)
{
	char *host = NULL, *service = NULL, *copy = text_copy(where);
	struct addrinfo *address = NULL;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	int fd = -1;
	if (!split(copy, &host, &service)) {
		problem_set(problem, how, "\"%s\" is not ADDR:PORT", where);
	} else if (getaddrinfo(host, service, &hints, &address) != 0) {
		problem_set(problem, how, "there is no address \"%s\" here", host);
	} else {
		fd = open_socket(address);
		if (fd < 0)
			problem_set(problem, "stop what holds the port, or give another --listen",
				    "cannot listen on %s: %s", where, strerror(errno));
		else
			*port = port_of(fd);
	}
	if (address != NULL)
		freeaddrinfo(address);
	free(copy);
	return fd;
}

/*
 * server.h - kaiwa's HTTP routes: /health and /api/cron/JOB.
 */
#ifndef KAIWA_SERVER_H
#define KAIWA_SERVER_H

#include "problem.h"

struct server;

/* Serves on the socket, which it takes over, until server_destroy. The texts are
 * borrowed. A connection has a thread of its own, so that a job that runs does
 * not keep /health waiting. Returns NULL and the problem. */
struct server *server_create(int socket, const char *db_path, const char *secret,
			     struct problem *problem);
/* Waits for the requests in hand; call jobs_stop first. Accepts NULL. */
void server_destroy(struct server *server);

#endif

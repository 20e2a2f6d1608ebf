/*
 * listen.h - a listening TCP socket from "ADDR:PORT".
 */
#ifndef KAIWA_LISTEN_H
#define KAIWA_LISTEN_H

#include "problem.h"

/* "0.0.0.0:3000", "[::]:3000", "localhost:0"; port 0 lets the system choose.
 * Returns the socket and the port it got, or -1 and the problem. */
int listen_on(const char *where, int *port, struct problem *problem);

#endif

/*
 * daemon.h - `belfry serve`: the loop that owns the engine.
 */
#ifndef BELFRY_DAEMON_H
#define BELFRY_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

#include "log.h"

/* What becomes of running jobs when belfry is asked to stop. */
enum stop_mode {
	STOP_MODE_LEAVE, /* they go on under the runner; the next serve adopts them */
	STOP_MODE_WAIT,  /* waited for up to stop_timeout_ms, then left */
	STOP_MODE_KILL,  /* waited for up to stop_timeout_ms, then ended */
};

struct serve_options {
	const char *config; /* path of schedules.json; NULL only where is_managed */
	/* Jobs come through the API (`belfry apply`), not from a file; `config` is only the
	 * first revision of a new state directory. */
	bool is_managed;
	const char *state;           /* state directory; made (0700) where it is missing */
	const char *listen;          /* ADDR:PORT; loopback only without tokens */
	const char *trusted_proxies; /* who may say whom they ask for; NULL: nobody */
	const char *tls_certificate, *tls_key; /* PEM files; both NULL: without TLS */
	const char *node;   /* its name among nodes that share a store; NULL: this machine's */
	const char *runner; /* path of belfry-runner; NULL: beside this program, else PATH */
	enum stop_mode stop_mode;
	int64_t stop_timeout_ms;
	int32_t max_running;
	enum log_level log_level;
	bool log_json;
};

/* Runs until SIGTERM or SIGINT. Exit codes: 0 stopped as asked, 1 it could not go
 * on, 2 usage or a bad file. Says everything in its log on standard error. */
int daemon_serve(const struct serve_options *options);

#endif

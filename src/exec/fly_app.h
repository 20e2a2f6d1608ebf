/*
 * fly_app.h - the Machines of an app as `belfry verify --fly` sees them: what they serve,
 * how their checks are, how often they ended lately, who listens where. Pure.
 *
 * Three answers of Fly go in: the list of Machines; for each that runs its processes, as
 * GET …/machines/{id}/ps tells them (fly-go: ProcessStat); and the app's latest log lines,
 * among them what Fly's proxy says when nobody takes its connections.
 */
#ifndef BELFRY_FLY_APP_H
#define BELFRY_FLY_APP_H

#include "fly_machine.h"

/* So far back a Machine's ends count as of lately, and so do the proxy's lines. */
#define FLY_LATELY_MS (10 * 60000)

struct fly_service {
	int32_t port; /* internal_port: where the app has to listen; 0: none is told */
	bool is_udp;
	bool starts; /* a request starts the Machine */
};

struct fly_check {
	const char *name, *status; /* "passing", "warning", "critical"; never NULL */
	const char *output;        /* one line; NULL: none */
	int32_t port;              /* 0: not told */
};

/* A process that listens. */
struct fly_listener {
	const char *process, *address; /* "node", "127.0.0.1:3000" */
};

struct fly_instance {
	struct fly_machine machine;
	struct fly_service *services;
	size_t service_count;
	struct fly_check *checks;
	size_t check_count;
	bool is_spare;      /* it waits for another's end, or for its own schedule */
	struct utc changed; /* its latest change; UTC_NONE: not told */
	struct utc started; /* its latest start; UTC_NONE: not told */
	int32_t exits;      /* lately, of this version, that nobody asked for */
	bool has_crashed;   /* `crash` is known: the latest end that nobody asked for, of this
			       version, unless an end that was asked for came after it */
	struct fly_exit crash;
	int64_t longest_run_ms; /* between two of those ends, at most */

	bool has_listeners; /* Fly has told its processes */
	struct fly_listener *listeners;
	size_t listener_count;
	const char *refused; /* the address the proxy tried lately, "0.0.0.0:3000"; NULL */
};

struct fly_app {
	struct fly_instance *instances;
	size_t count;
};

/* The app's own Machines: those of belfry's runs, of release commands and consoles, and
 * those that are gone are left out. False: no list of Machines. */
bool fly_app_parse(const char *text, size_t length, struct utc now, struct arena *arena,
		   struct fly_app *app);
/* The processes of one. False: no list of processes, and nothing is known. */
bool fly_listeners_parse(const char *text, size_t length, struct arena *arena,
			 struct fly_instance *instance);
/* The lines of the log: which Machines the proxy found closed since they started. */
bool fly_refusals_parse(const char *text, size_t length, struct utc now, struct arena *arena,
			struct fly_app *app);
/* The address of such a line: "0.0.0.0:3000"; "" where it names none; NULL: another line. */
const char *fly_refusal(const char *message, struct arena *arena);

/* "127.0.0.1:3000", "[::]:80": 0 where there is none. */
int32_t fly_address_port(const char *address);
bool fly_address_is_loopback(const char *address);

#endif

/*
 * doctor.h - what `belfry doctor` looks at, one function a question.
 */
#ifndef BELFRY_DOCTOR_H
#define BELFRY_DOCTOR_H

#include "args.h"
#include "err.h"
#include "mem.h"

enum health { HEALTH_OK, HEALTH_INFO, HEALTH_UNKNOWN, HEALTH_WARNING, HEALTH_ERROR, HEALTH_COUNT };

struct symptom {
	const char *check; /* "disk space" */
	enum health health;
	const char *found;  /* what is */
	const char *remedy; /* what to do; NULL: nothing */
};

enum { SYMPTOMS_MAX = 32 };

struct doctor {
	const struct args *args;
	const char *config, *state, *listen;
	struct arena arena; /* of the texts */
	struct symptom symptoms[SYMPTOMS_MAX];
	size_t count;
};

/* remedy NULL: nothing is to be done. The text is formatted into the arena. */
void doctor_say(struct doctor *doctor, const char *check, enum health health, const char *remedy,
		const char *format, ...) __attribute__((format(printf, 5, 6)));

/* doctor_state.c: what belfry writes */
void doctor_state(struct doctor *doctor);
void doctor_database(struct doctor *doctor);
void doctor_disk(struct doctor *doctor);

/* doctor_machine.c: what the system gives */
void doctor_zones(struct doctor *doctor);
void doctor_clock(struct doctor *doctor);
void doctor_files(struct doctor *doctor);
void doctor_cgroup(struct doctor *doctor);

/* doctor_parts.c: belfry's own parts and its port */
void doctor_config(struct doctor *doctor);
void doctor_runner(struct doctor *doctor);
void doctor_port(struct doctor *doctor);

/* doctor_repair.c: mends the database instead. An exit code. */
int doctor_repair(struct doctor *doctor);
/* Whether the write-ahead log beside a database was damaged, which SQLite does not tell. */
bool doctor_log_is_whole(const char *database, struct err *err);

#endif

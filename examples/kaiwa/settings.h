/*
 * settings.h - what kaiwa is told by its environment.
 */
#ifndef KAIWA_SETTINGS_H
#define KAIWA_SETTINGS_H

#include "problem.h"

/* All borrowed from the environment. */
struct settings {
	const char *db_path;   /* KAIWA_DB */
	const char *smtp_url;  /* SMTP_URL: smtp://127.0.0.1:2525, smtps://user:password@host */
	const char *mail_from; /* MAIL_FROM: whom the mails come from */
	const char *founders;  /* FOUNDER_EMAIL: one address or several, by comma; may be NULL */
};

/* Dry runs need them too: one that succeeds says that the real run can start. */
bool settings_load(struct settings *settings, struct problem *problem);

/* The value of an environment variable that must be there and not be empty. */
bool settings_require(const char *name, const char *example, const char **value,
		      struct problem *problem);

#endif

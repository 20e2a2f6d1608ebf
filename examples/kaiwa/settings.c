/* settings.c - what kaiwa is told by its environment; see settings.h. */
#include "settings.h"
#include "mail.h"

#include <stdio.h>
#include <stdlib.h>

bool settings_require(const char *name, const char *example, const char **value,
		      struct problem *problem)
{
	*value = getenv(name);
	if (*value != NULL && (*value)[0] != '\0')
		return true;
	char remedy[160];
	snprintf(remedy, sizeof(remedy), "set %s, e.g. %s=%s", name, name, example);
	return problem_set(problem, remedy, "the environment variable %s is %s", name,
			   *value == NULL ? "not set" : "empty");
}

bool settings_load(struct settings *settings, struct problem *problem)
{
	if (!settings_require("KAIWA_DB", "/var/lib/kaiwa/kaiwa.db", &settings->db_path, problem) ||
	    !settings_require("SMTP_URL", "smtp://127.0.0.1:2525", &settings->smtp_url, problem) ||
	    !settings_require("MAIL_FROM", "hello@kaiwa.example", &settings->mail_from, problem))
		return false;
	if (!mail_address_ok(settings->mail_from))
		return problem_set(problem, "set MAIL_FROM to a plain address: name@host",
				   "MAIL_FROM is not a mail address: %s", settings->mail_from);
	settings->founders = getenv("FOUNDER_EMAIL");
	return true;
}

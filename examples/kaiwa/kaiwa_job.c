/*
 * kaiwa-job - runs one of kaiwa's jobs, as a schedule's command.
 *
 * Exit status: 0 done (a result line with "failed" above 0 says that a few mails
 * were lost), 1 could not be done, 2 usage. What was done is never done again,
 * so a run that failed may simply be repeated.
 */
#include "jobs.h"
#include "log.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "usage: kaiwa-job NAME [--dryRun]\n"
			    "NAME is send-reminders, send-founder-emails or send-weekly-digest.\n"
			    "--dryRun (or BELFRY_DRY_RUN=1) lists what would be sent, and sends "
			    "nothing.\n"
			    "Environment: KAIWA_DB, SMTP_URL, MAIL_FROM, FOUNDER_EMAIL.\n";

static void on_signal(int number)
{
	(void)number;
	jobs_stop();
}

static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int run(const char *name, bool dry_run)
{
	struct report report;
	struct problem problem;
	report_init(&report, name, dry_run);
	log_info("start", "{s:s, s:b}", "name", name, "dry_run", dry_run);
	bool ok = jobs_run(&report, &problem);
	if (ok)
		log_json(report_result(&report));
	else
		log_problem("job failed", name, &problem);
	report_finish(&report);
	return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
	const char *env = getenv("BELFRY_DRY_RUN");
	bool dry_run = env != NULL && strcmp(env, "1") == 0;
	const char *name = NULL;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			fputs(usage, stdout);
			return 0;
		}
		if (strcmp(argv[i], "--dryRun") == 0) {
			dry_run = true;
		} else if (name == NULL && argv[i][0] != '-') {
			name = argv[i];
		} else {
			fputs(usage, stderr);
			return 2;
		}
	}
	const char *job = name == NULL ? NULL : jobs_find(name);
	if (job == NULL) {
		struct problem problem;
		problem_set(&problem, "give the name of a job", "%s%s; there are %s",
			    name == NULL ? "no job named" : "no such job: ",
			    name == NULL ? "" : name, jobs_names);
		log_problem("cannot start", "kaiwa-job", &problem);
		return 2;
	}
	catch_signals();
	curl_global_init(CURL_GLOBAL_DEFAULT);
	int status = run(job, dry_run);
	curl_global_cleanup();
	return status;
}

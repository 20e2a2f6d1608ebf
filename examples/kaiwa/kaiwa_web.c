/*
 * kaiwa-web - the web app: /health, and the jobs by HTTP for who holds CRON_SECRET.
 *
 * Exit status: 0 stopped by SIGTERM or SIGINT, 1 could not start, 2 usage.
 */
#include "jobs.h"
#include "listen.h"
#include "log.h"
#include "server.h"
#include "settings.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
	"usage: kaiwa-web [--listen ADDR:PORT]\n"
	"Serves GET /health and GET|POST /api/cron/JOB?dryRun=true; 0.0.0.0:3000 if not told.\n"
	"Environment: CRON_SECRET, KAIWA_DB; for the jobs SMTP_URL, MAIL_FROM, FOUNDER_EMAIL.\n";

static int fail(const struct problem *problem)
{
	log_problem("cannot start", "kaiwa-web", problem);
	return 1;
}

/* The signals are taken by sigwait alone: blocked before any thread starts. */
static void block_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, signals, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int serve(const char *where)
{
	struct problem problem;
	const char *secret = NULL, *db_path = NULL;
	sigset_t signals;
	int port = 0, number = 0;

	block_signals(&signals);
	if (!settings_require("CRON_SECRET", "$(openssl rand -hex 32)", &secret, &problem) ||
	    !settings_require("KAIWA_DB", "/var/lib/kaiwa/kaiwa.db", &db_path, &problem))
		return fail(&problem);
	int socket = listen_on(where, &port, &problem);
	if (socket < 0)
		return fail(&problem);
	struct server *server = server_create(socket, db_path, secret, &problem);
	if (server == NULL)
		return fail(&problem);
	log_info("listening", "{s:s, s:i}", "listen", where, "port", port);
	sigwait(&signals, &number);
	jobs_stop();
	server_destroy(server);
	log_info("stopped", "{s:s}", "signal", number == SIGTERM ? "SIGTERM" : "SIGINT");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc != 1 && (argc != 3 || strcmp(argv[1], "--listen") != 0)) {
		fputs(usage, stderr);
		return 2;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT);
	int status = serve(argc == 3 ? argv[2] : "0.0.0.0:3000");
	curl_global_cleanup();
	return status;
}

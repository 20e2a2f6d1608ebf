/* server.c - kaiwa's HTTP routes on libmicrohttpd; see server.h. */
#include "server.h"
#include "db.h"
#include "jobs.h"
#include "log.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { IDLE_TIMEOUT_S = 30, CONNECTIONS_MAX = 64 };

struct server {
	struct MHD_Daemon *daemon;
	const char *db_path, *secret;
};

/* Sends a JSON object; steals the reference. */
static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, json_t *body,
			      const char *header, const char *value)
{
	char *text = json_dumps(body, JSON_INDENT(2));
	json_decref(body);
	if (text == NULL)
		return MHD_NO;
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	if (response == NULL) {
		free(text);
		return MHD_NO;
	}
	MHD_add_response_header(response, "Content-Type", "application/json");
	MHD_add_response_header(response, "Cache-Control", "no-store");
	if (header != NULL)
		MHD_add_response_header(response, header, value);
	enum MHD_Result result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer_error(struct MHD_Connection *connection, unsigned status,
				    const char *error)
{
	return answer(connection, status, json_pack("{s:s}", "error", error), NULL, NULL);
}

/* The file is opened anew each time: one held open would still answer after it
 * has been deleted or replaced. */
static enum MHD_Result get_health(struct MHD_Connection *connection, const char *db_path)
{
	struct db db;
	struct problem problem;
	int64_t users = 0;
	bool ok = db_open(&db, db_path, &problem);
	if (ok) {
		users = db_number(&db, "SELECT count(*) FROM users", "");
		ok = db_check(&db, &problem);
		db_close(&db);
	}
	if (ok)
		return answer(connection, MHD_HTTP_OK,
			      json_pack("{s:s, s:I}", "status", "ok", "users", (json_int_t)users),
			      NULL, NULL);
	return answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
		      json_pack("{s:s, s:s, s:s}", "status", "unavailable", "cause", problem.cause,
				"remedy", problem.remedy),
		      NULL, NULL);
}

/* Takes as long as `given`, whose length the other side knows anyway, and so
 * tells nothing about the secret. */
static bool same_secret(const char *secret, const char *given)
{
	size_t length = strlen(secret), given_length = strlen(given);
	volatile unsigned char differ = length != given_length;
	for (size_t i = 0; i < given_length; i++)
		differ |= (unsigned char)(secret[i % length] ^ given[i]);
	return differ == 0;
}

static bool is_authorized(struct MHD_Connection *connection, const char *secret)
{
	static const char scheme[] = "Bearer ";
	const char *value =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Authorization");
	return value != NULL && strncasecmp(value, scheme, sizeof(scheme) - 1) == 0 &&
	       same_secret(secret, value + sizeof(scheme) - 1);
}

struct query {
	bool dry_run, wrong;
};

/* A misspelt ?dryrun=1 must not send real mail: what is not known is refused. */
static enum MHD_Result read_query(void *context, enum MHD_ValueKind kind, const char *key,
				  const char *value)
{
	(void)kind;
	struct query *query = context;
	bool yes = value != NULL && strcmp(value, "true") == 0;
	bool no = value != NULL && strcmp(value, "false") == 0;
	if (strcmp(key, "dryRun") != 0 || (!yes && !no))
		query->wrong = true;
	query->dry_run = query->dry_run || yes;
	return MHD_YES;
}

static enum MHD_Result run_job(struct MHD_Connection *connection, const char *name, bool dry_run)
{
	struct report report;
	struct problem problem;
	unsigned status = MHD_HTTP_OK;
	report_init(&report, name, dry_run);
	bool ok = jobs_run(&report, &problem);
	json_t *body = report_json(&report);
	if (!ok) {
		log_problem("job failed", name, &problem);
		status = MHD_HTTP_INTERNAL_SERVER_ERROR;
		json_object_set_new(body, "outcome", json_string("failed"));
		json_object_set_new(body, "message", json_string(problem.cause));
		json_object_set_new(body, "remedy", json_string(problem.remedy));
	}
	report_finish(&report);
	return answer(connection, status, body, NULL, NULL);
}

static enum MHD_Result cron(struct MHD_Connection *connection, const struct server *server,
			    const char *name)
{
	struct query query = {0};
	if (!is_authorized(connection, server->secret))
		return answer(connection, MHD_HTTP_UNAUTHORIZED,
			      json_pack("{s:s}", "error",
					"give the header Authorization: Bearer CRON_SECRET"),
			      "WWW-Authenticate", "Bearer");
	const char *job = jobs_find(name);
	if (job == NULL)
		return answer_error(connection, MHD_HTTP_NOT_FOUND, "no such job");
	MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, read_query, &query);
	if (query.wrong)
		return answer_error(connection, MHD_HTTP_BAD_REQUEST,
				    "the only parameter is dryRun=true or dryRun=false");
	return run_job(connection, job, query.dry_run);
}

static enum MHD_Result route(struct MHD_Connection *connection, const struct server *server,
			     const char *url, const char *method)
{
	static const char prefix[] = "/api/cron/";
	bool is_health = strcmp(url, "/health") == 0;
	bool is_cron = strncmp(url, prefix, sizeof(prefix) - 1) == 0;
	bool is_get = strcmp(method, MHD_HTTP_METHOD_GET) == 0;
	bool is_post = strcmp(method, MHD_HTTP_METHOD_POST) == 0;
	if (!is_health && !is_cron)
		return answer_error(connection, MHD_HTTP_NOT_FOUND,
				    "there are /health and /api/cron/JOB");
	if (!is_get && !(is_post && is_cron))
		return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
			      json_pack("{s:s}", "error", "method not allowed"), "Allow",
			      is_cron ? "GET, POST" : "GET");
	if (is_health)
		return get_health(connection, server->db_path);
	return cron(connection, server, url + sizeof(prefix) - 1);
}

/* libmicrohttpd calls this first with the headers, then with each piece of the
 * body, which is not wanted, then once more with none: then it is answered. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *body,
			      size_t *body_size, void **seen)
{
	static int marker;
	(void)version;
	(void)body;
	if (*seen == NULL || *body_size > 0) {
		*seen = &marker;
		*body_size = 0;
		return MHD_YES;
	}
	return route(connection, context, url, method);
}

struct server *server_create(int socket, const char *db_path, const char *secret,
			     struct problem *problem)
{
	struct server *server = malloc(sizeof(*server));
	if (server == NULL)
		abort();
	*server = (struct server){.db_path = db_path, .secret = secret};
	server->daemon = MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL |
			MHD_USE_ITC,
		0, NULL, NULL, handle, server, MHD_OPTION_LISTEN_SOCKET, socket,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_END);
	if (server->daemon != NULL)
		return server;
	problem_set(problem, "see whether the system is out of threads or memory",
		    "cannot start the HTTP server: %s", strerror(errno));
	close(socket);
	free(server);
	return NULL;
}

void server_destroy(struct server *server)
{
	if (server == NULL)
		return;
	MHD_stop_daemon(server->daemon);
	free(server);
}

/* mail.c - hands one mail to the SMTP server (libcurl); see mail.h. */
#include "mail.h"
#include "text.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_TIMEOUT_S = 10 };

struct mailer {
	CURL *curl;
	char *server; /* host and port, without the password: for messages */
	char error[CURL_ERROR_SIZE];
	/* The mail on its way: */
	const char *text;
	size_t length, given;
	mail_release_fn *release;
	void *context;
	bool released, held, quitting;
	char verb[5];    /* the last command: "RCPT" */
	char reply[256]; /* the last line of the answer: "550 5.1.1 no such user" */
};

bool mail_address_ok(const char *address)
{
	static const char atext[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789!#$%&'*+-/=?^_`{|}~.";
	static const char host[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789-.";
	size_t local = strspn(address, atext);
	if (local == 0 || local > 64 || address[local] != '@' || address[0] == '.' ||
	    address[local - 1] == '.')
		return false;
	const char *domain = address + local + 1;
	size_t length = strspn(domain, host);
	return length > 0 && domain[length] == '\0' && local + length < 254 && domain[0] != '.' &&
	       strstr(address, "..") == NULL;
}

/* libcurl reports a refused sender and a refused recipient by the same code,
 * so the conversation itself is listened to; but not to the QUIT with which
 * libcurl ends it by itself. */
static int listen_in(CURL *curl, curl_infotype type, char *data, size_t size, void *context)
{
	(void)curl;
	struct mailer *mailer = context;
	if (type == CURLINFO_HEADER_OUT) {
		mailer->quitting = size >= 4 && strncmp(data, "QUIT", 4) == 0;
		if (!mailer->quitting) /* the verb only: an AUTH line holds the password */
			snprintf(mailer->verb, sizeof(mailer->verb), "%.*s",
				 size < 4 ? (int)size : 4, data);
	}
	if (type == CURLINFO_HEADER_IN && !mailer->quitting) {
		while (size > 0 && (data[size - 1] == '\n' || data[size - 1] == '\r'))
			size--;
		snprintf(mailer->reply, sizeof(mailer->reply), "%.*s", size > 255 ? 255 : (int)size,
			 data);
		text_clean(mailer->reply);
	}
	return 0;
}

static size_t give(char *buffer, size_t size, size_t count, void *context)
{
	struct mailer *mailer = context;
	size_t room = size * count;
	size_t left = mailer->length - mailer->given;
	if (left > 0) {
		size_t piece = left < room ? left : room;
		memcpy(buffer, mailer->text + mailer->given, piece);
		mailer->given += piece;
		return piece;
	}
	/* Returning 0 lets libcurl send the final dot. */
	if (!mailer->released) {
		if (!mailer->release(mailer->context)) {
			mailer->held = true;
			return CURL_READFUNC_ABORT;
		}
		mailer->released = true;
	}
	return 0;
}

static char *url_part(CURLU *url, CURLUPart part, unsigned flags)
{
	char *text = NULL;
	return curl_url_get(url, part, &text, flags) == CURLUE_OK ? text : NULL;
}

/* Checks the URL; sets mailer->server. */
static bool read_url(struct mailer *mailer, const char *text, bool *has_password,
		     struct problem *problem)
{
	CURLU *url = curl_url();
	CURLUcode code = curl_url_set(url, CURLUPART_URL, text, 0);
	char *scheme = url_part(url, CURLUPART_SCHEME, 0);
	char *host = url_part(url, CURLUPART_HOST, 0);
	char *port = url_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	char *password = url_part(url, CURLUPART_PASSWORD, 0);
	bool ok = code == CURLUE_OK && scheme != NULL && host != NULL && port != NULL &&
		  (strcmp(scheme, "smtp") == 0 || strcmp(scheme, "smtps") == 0);
	if (ok)
		mailer->server = text_format("%s:%s", host, port);
	*has_password = password != NULL;
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_free(password);
	curl_url_cleanup(url);
	/* The URL itself is not shown: it may hold a password. */
	return ok || problem_set(problem, "set SMTP_URL to smtp://HOST:PORT or smtps://HOST:PORT",
				 "SMTP_URL is not the address of a mail server");
}

struct mailer *mailer_create(const char *url, struct problem *problem)
{
	struct mailer *mailer = calloc(1, sizeof(*mailer));
	if (mailer == NULL)
		abort();
	bool has_password = false;
	if (!read_url(mailer, url, &has_password, problem)) {
		mailer_destroy(mailer);
		return NULL;
	}
	CURL *curl = mailer->curl = curl_easy_init();
	if (curl == NULL)
		abort();
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(curl, CURLOPT_USE_SSL,
			 (long)(has_password ? CURLUSESSL_ALL : CURLUSESSL_TRY));
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*"); /* as said in SMTP_URL, nowhere else */
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)MAIL_TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, mailer->error);
	curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L); /* needed for the next one */
	curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, listen_in);
	curl_easy_setopt(curl, CURLOPT_DEBUGDATA, mailer);
	/* The size is not told beforehand, or libcurl would not ask for the end. */
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, give);
	curl_easy_setopt(curl, CURLOPT_READDATA, mailer);
	return mailer;
}

void mailer_destroy(struct mailer *mailer)
{
	if (mailer == NULL)
		return;
	curl_easy_cleanup(mailer->curl);
	free(mailer->server);
	free(mailer);
}

const char *mailer_reply(const struct mailer *mailer)
{
	return mailer->reply;
}

/* The server has said no to this one mail: for whose sake, and for how long?
 * A 5.7.x (RFC 3463) is about us, "relaying denied", and says nothing of the
 * address: else one wrong SMTP_URL would strike off every user. */
static enum mail_end judge_refusal(const struct mailer *mailer)
{
	if (mailer->reply[0] == '4' || strncmp(mailer->reply + 3, " 5.7.", 5) == 0)
		return MAIL_PUT_OFF;
	return strcmp(mailer->verb, "RCPT") == 0 ? MAIL_BOUNCED : MAIL_REFUSED;
}

static enum mail_end judge(const struct mailer *mailer, CURLcode code)
{
	bool says_no = mailer->reply[0] == '4' || mailer->reply[0] == '5';
	bool leaves = strncmp(mailer->reply, "421", 3) == 0; /* "closing the connection" */
	bool about_mail = strcmp(mailer->verb, "RCPT") == 0 || strcmp(mailer->verb, "DATA") == 0;

	if (code == CURLE_OK)
		return MAIL_SENT;
	if (mailer->held)
		return MAIL_HELD;
	if (says_no && about_mail && !leaves)
		return judge_refusal(mailer);
	if (mailer->released && !says_no)
		return MAIL_UNKNOWN;
	return MAIL_DOWN;
}

static void explain_down(const struct mailer *mailer, CURLcode code, struct problem *problem)
{
	const char *error = mailer->error[0] != '\0' ? mailer->error : curl_easy_strerror(code);
	problem_set(problem, "start the mail server, or correct SMTP_URL; then run the job again",
		    "the mail server %s does not take mail: %s%s%s", mailer->server, error,
		    mailer->reply[0] != '\0' ? "; its last word: " : "", mailer->reply);
}

enum mail_end mailer_send(struct mailer *mailer, const struct mail *mail, mail_release_fn *release,
			  void *context, struct problem *problem)
{
	mailer->reply[0] = '\0';
	if (!mail_address_ok(mail->to)) {
		snprintf(mailer->reply, sizeof(mailer->reply), "not a mail address");
		return MAIL_BOUNCED;
	}
	char *text = mime_message(mail, &mailer->length);
	struct curl_slist *to = curl_slist_append(NULL, mail->to);
	mailer->text = text;
	mailer->given = 0;
	mailer->release = release;
	mailer->context = context;
	mailer->released = mailer->held = false;
	mailer->verb[0] = mailer->error[0] = '\0';
	curl_easy_setopt(mailer->curl, CURLOPT_MAIL_FROM, mail->sender);
	curl_easy_setopt(mailer->curl, CURLOPT_MAIL_RCPT, to);
	CURLcode code = curl_easy_perform(mailer->curl);
	enum mail_end end = judge(mailer, code);
	if (end == MAIL_DOWN)
		explain_down(mailer, code, problem);
	curl_easy_setopt(mailer->curl, CURLOPT_MAIL_RCPT, NULL);
	curl_slist_free_all(to);
	free(text);
	mailer->text = NULL;
	return end;
}

/* verify_verdict.c - whether an app is up, from what was seen; see verify_verdict.h. */
#include "verify_verdict.h"

#include <string.h>
#include <strings.h>

#include "http_address.h"
#include "str.h"
#include "when.h"

enum { TEXT_SHOWN = 60, LOCATION_SHOWN = 200 };

const char *verify_verdict_word(enum verify_verdict verdict)
{
	static const char *const words[VERIFY_COUNT] = {
		[VERIFY_UP] = "up",
		[VERIFY_REFUSED] = "refused",
		[VERIFY_NAME_NOT_FOUND] = "name_not_found",
		[VERIFY_UNREACHABLE] = "unreachable",
		[VERIFY_TIMED_OUT] = "timed_out",
		[VERIFY_BAD_CERTIFICATE] = "bad_certificate",
		[VERIFY_NO_TLS] = "no_tls",
		[VERIFY_NO_HTTP] = "no_http",
		[VERIFY_BROKE_OFF] = "broke_off",
		[VERIFY_REDIRECTED] = "redirected",
		[VERIFY_WRONG_STATUS] = "wrong_status",
		[VERIFY_TEXT_MISSING] = "text_missing",
		[VERIFY_FAILED] = "failed",
	};

	return words[verdict];
}

bool verify_status_parse(const char *text, int *least, int *most)
{
	int number = 0;

	if (strlen(text) != 3 || text[0] < '1' || text[0] > '5')
		return false;
	if (strcasecmp(text, (const char[]){text[0], 'x', 'x', '\0'}) == 0) {
		*least = (text[0] - '0') * 100;
		*most = *least + 99;
		return true;
	}
	for (const char *c = text; *c; c++) {
		if (*c < '0' || *c > '9')
			return false;
		number = number * 10 + (*c - '0');
	}
	*least = *most = number;
	return true;
}

/* ---- the verdict ---- */

static enum verify_verdict judge_answer(const struct verify_wanted *wanted,
					const struct verify_seen *seen)
{
	if (seen->status < wanted->least || seen->status > wanted->most)
		return seen->location && *seen->location ? VERIFY_REDIRECTED : VERIFY_WRONG_STATUS;
	return wanted->text && !seen->has_text ? VERIFY_TEXT_MISSING : VERIFY_UP;
}

enum verify_verdict verify_judge(const struct verify_wanted *wanted, const struct verify_seen *seen)
{
	switch (seen->failure) {
	case HTTP_ANSWERED: return judge_answer(wanted, seen);
	case HTTP_NO_NAME: return VERIFY_NAME_NOT_FOUND;
	case HTTP_REFUSED: return VERIFY_REFUSED;
	case HTTP_UNREACHABLE: return VERIFY_UNREACHABLE;
	case HTTP_NO_CONNECTION:
	case HTTP_NO_ANSWER: return VERIFY_TIMED_OUT;
	case HTTP_BAD_CERTIFICATE: return VERIFY_BAD_CERTIFICATE;
	case HTTP_NO_TLS: return VERIFY_NO_TLS;
	case HTTP_NO_HTTP: return VERIFY_NO_HTTP;
	case HTTP_BROKE_OFF: return VERIFY_BROKE_OFF;
	case HTTP_BAD_ADDRESS:
	case HTTP_FAILED: break;
	}
	return VERIFY_FAILED;
}

/* ---- pieces of the line ---- */

/* Where in the URL its host and port stand; of a name that is told instead, all of it. */
static const char *authority(const struct verify_wanted *wanted, size_t *length)
{
	const char *host = strstr(wanted->url, "://");

	*length = host ? strcspn(host + 3, "/?#") : strlen(wanted->url);
	return host ? host + 3 : wanted->url;
}

/* The colon before it; NULL: none is told. */
static const char *find_port(const char *host, size_t length)
{
	const char *colon = memrchr(host, ':', length), *bracket = memrchr(host, ']', length);

	return colon && (!bracket || colon > bracket) ? colon : NULL;
}

/* NULL: nobody is told. */
static const char *scheme(const struct verify_wanted *wanted)
{
	return strncasecmp(wanted->url, "https:", 6) == 0  ? "https://"
	       : strncasecmp(wanted->url, "http:", 5) == 0 ? "http://"
							   : NULL;
}

static bool is_https(const struct verify_wanted *wanted)
{
	return strncasecmp(wanted->url, "https:", 6) == 0;
}

/* "443"; "" where the URL's own may be hidden. */
static void add_port(const struct verify_wanted *wanted, struct buf *out)
{
	size_t length;
	const char *host = authority(wanted, &length), *colon = find_port(host, length);

	if (colon)
		buf_add(out, colon + 1, (size_t)(host + length - colon - 1));
	else if (!wanted->hides_url)
		buf_text(out, is_https(wanted) ? "443" : "80");
}

static void add_host(const struct verify_wanted *wanted, struct buf *out)
{
	size_t length;
	const char *host = authority(wanted, &length), *colon = find_port(host, length);

	buf_add(out, host, colon ? (size_t)(colon - host) : length);
}

/* "app.example.org:443" */
static void add_place(const struct verify_wanted *wanted, struct buf *out)
{
	struct buf port = {0};

	add_host(wanted, out);
	add_port(wanted, &port);
	if (port.length)
		buf_format(out, ":%s", buf_string(&port));
	buf_finish(&port);
}

static bool is_loopback(const struct verify_wanted *wanted)
{
	struct buf host = {0};

	add_host(wanted, &host);
	bool is_it = http_host_is_loopback(buf_string(&host));
	buf_finish(&host);
	return is_it;
}

static void add_wanted_status(const struct verify_wanted *wanted, struct buf *out)
{
	if (wanted->least == wanted->most)
		buf_format(out, "%d", wanted->least);
	else
		buf_format(out, "%dxx", wanted->least / 100);
}

/* The user's text, or a server's: cut between two characters. */
static void add_cut(const char *text, size_t most, struct buf *out)
{
	size_t length = strlen(text);

	if (length <= most) {
		buf_text(out, text);
		return;
	}
	while (most > 0 && ((unsigned char)text[most] & 0xc0) == 0x80)
		most--;
	buf_add(out, text, most);
	buf_text(out, "…");
}

static void add_quoted(const char *text, struct buf *out)
{
	buf_char(out, '"');
	add_cut(text, TEXT_SHOWN, out);
	buf_char(out, '"');
}

/* "OpenSSL/3.0: error:0A00010B:SSL routines::wrong version number": its end says it. */
static const char *last_words(const char *why)
{
	const char *end = why;

	for (const char *next; (next = strstr(end, "::"));)
		end = next + 2;
	return end;
}

/* What the library says may name the host, so nothing of it is told where that is hidden. */
static void add_why(const struct verify_wanted *wanted, const struct verify_seen *seen,
		    struct buf *out)
{
	if (!wanted->hides_url && !str_empty(seen->why))
		buf_format(out, " (%s)", last_words(seen->why));
}

/* ---- what is wrong ---- */

static void tell_refused(const struct verify_wanted *wanted, struct buf *out)
{
	struct buf port = {0};

	add_port(wanted, &port);
	buf_text(out, "nobody listens on ");
	add_place(wanted, out);
	if (is_loopback(wanted))
		buf_format(out, "; is the app started, and does it listen on %s%s?",
			   port.length ? "port " : "that port", buf_string(&port));
	else
		buf_format(out,
			   "; the app is not started, or listens on another port, or on 127.0.0.1 "
			   "alone: have it listen on 0.0.0.0%s%s",
			   port.length ? ":" : "", buf_string(&port));
	buf_finish(&port);
}

static void tell_time(const struct verify_wanted *wanted, const struct verify_seen *seen,
		      struct buf *out)
{
	if (seen->failure == HTTP_NO_CONNECTION) {
		buf_text(out, "no connection to ");
		add_place(wanted, out);
		buf_text(out, " in time; is that the address, and does a firewall let it through?");
		return;
	}
	add_place(wanted, out);
	if (seen->status)
		buf_format(out, " began to answer (%d) and did not end", seen->status);
	else
		buf_text(out, " takes the connection and does not answer");
	buf_text(out, " in time; the app is stuck, or too busy, or waits for something itself: see "
		      "its log");
}

static const char *remedy_of(int status)
{
	switch (status) {
	case 401:
	case 403: return "it wants a login: ask for a page that is open to all";
	case 404: return "there is no such page: is the path right?";
	case 429: return "it is asked too often";
	case 502:
	case 503:
	case 504: return "the app is not ready, or what stands before it does not reach it";
	default: break;
	}
	return status >= 500 ? "the app fails: see its log" : "is that the page to ask for?";
}

static void tell_status(const struct verify_wanted *wanted, const struct verify_seen *seen,
			struct buf *out)
{
	buf_format(out, "%s answers %d, and not ", wanted->url, seen->status);
	add_wanted_status(wanted, out);
	buf_format(out, "; %s", remedy_of(seen->status));
}

static void tell_redirect(const struct verify_wanted *wanted, const struct verify_seen *seen,
			  struct buf *out)
{
	buf_format(out, "%s answers %d, and not ", wanted->url, seen->status);
	add_wanted_status(wanted, out);
	if (wanted->hides_url) {
		buf_text(out, ": it leads elsewhere");
	} else {
		buf_text(out, ": it leads to ");
		add_cut(seen->location, LOCATION_SHOWN, out);
	}
	buf_format(out, "; ask for that, or expect %d", seen->status);
}

static void tell_certificate(const struct verify_wanted *wanted, const struct verify_seen *seen,
			     struct buf *out)
{
	buf_text(out, "the certificate of ");
	add_place(wanted, out);
	buf_text(out, " is not valid");
	add_why(wanted, seen, out);
	buf_text(out,
		 "; renew it, have it name this host, or say with --cacert who vouches for it");
}

static void tell_strange(const struct verify_wanted *wanted, const struct verify_seen *seen,
			 struct buf *out)
{
	add_place(wanted, out);
	if (seen->failure == HTTP_NO_TLS) {
		buf_text(out, " does not speak TLS");
		add_why(wanted, seen, out);
	} else {
		buf_text(out, " answers, but not in HTTP");
	}
	buf_format(out, "; is that the app's port, and %s right?",
		   scheme(wanted) ? scheme(wanted) : "the scheme");
}

static void tell_broken(const struct verify_wanted *wanted, const struct verify_seen *seen,
			struct buf *out)
{
	add_place(wanted, out);
	if (seen->status)
		buf_format(out, " broke off while it answered (%d)", seen->status);
	else
		buf_text(out, " closed the connection without an answer");
	buf_format(out, "; the app died of it, or is stopping%s: see its log",
		   is_https(wanted) ? "" : ", or wants https://");
}

static void tell_other(const struct verify_wanted *wanted, const struct verify_seen *seen,
		       struct buf *out)
{
	buf_format(out, "%s cannot be asked", wanted->url);
	add_why(wanted, seen, out);
}

static void tell_wrong(const struct verify_wanted *wanted, const struct verify_seen *seen,
		       struct buf *out)
{
	switch (verify_judge(wanted, seen)) {
	case VERIFY_REFUSED: tell_refused(wanted, out); break;
	case VERIFY_NAME_NOT_FOUND:
		buf_text(out, strstr(wanted->url, "://") ? "the name " : "the name in ");
		add_host(wanted, out);
		buf_text(out, " is not found; is it spelt right, and known to the DNS already?");
		break;
	case VERIFY_UNREACHABLE:
		buf_text(out, "there is no way to ");
		add_place(wanted, out);
		add_why(wanted, seen, out);
		buf_text(out, "; is that the address, and this machine in its network?");
		break;
	case VERIFY_TIMED_OUT: tell_time(wanted, seen, out); break;
	case VERIFY_BAD_CERTIFICATE: tell_certificate(wanted, seen, out); break;
	case VERIFY_NO_TLS:
	case VERIFY_NO_HTTP: tell_strange(wanted, seen, out); break;
	case VERIFY_BROKE_OFF: tell_broken(wanted, seen, out); break;
	case VERIFY_REDIRECTED: tell_redirect(wanted, seen, out); break;
	case VERIFY_WRONG_STATUS: tell_status(wanted, seen, out); break;
	case VERIFY_TEXT_MISSING:
		buf_format(out, "%s answers %d without ", wanted->url, seen->status);
		add_quoted(wanted->text, out);
		buf_text(out, "; is it another page, or another app?");
		break;
	case VERIFY_UP:
	case VERIFY_FAILED:
	case VERIFY_COUNT: tell_other(wanted, seen, out); break;
	}
}

/* ---- the whole ---- */

void verify_effort(const struct verify_seen *seen, struct buf *out)
{
	if (seen->tries > 1)
		buf_format(out, " (%d tries in ", seen->tries);
	else
		buf_text(out, " (");
	if (seen->elapsed_ms < 1000)
		buf_format(out, "%d ms", (int)seen->elapsed_ms);
	else
		when_took(out, seen->elapsed_ms);
	buf_char(out, ')');
}

void verify_line(const struct verify_wanted *wanted, const struct verify_seen *seen,
		 struct buf *out)
{
	if (verify_judge(wanted, seen) == VERIFY_UP) {
		buf_format(out, "%s answers %d", wanted->url, seen->status);
		if (wanted->text) {
			buf_text(out, " with ");
			add_quoted(wanted->text, out);
		}
	} else {
		tell_wrong(wanted, seen, out);
	}
}

void verify_short(const struct verify_wanted *wanted, const struct verify_seen *seen,
		  struct buf *out)
{
	enum verify_verdict verdict = verify_judge(wanted, seen);

	if (verdict == VERIFY_WRONG_STATUS || verdict == VERIFY_REDIRECTED)
		buf_format(out, "answers %d", seen->status);
	else
		for (const char *c = verify_verdict_word(verdict); *c; c++)
			buf_char(out, *c == '_' ? ' ' : *c);
}

void verify_json_members(const struct verify_wanted *wanted, const struct verify_seen *seen,
			 const struct verify_told *told, struct buf *out)
{
	bool has_location = !wanted->hides_url && !str_empty(seen->location);

	buf_json_text(out, "url", wanted->url);
	buf_json_bool(out, "up", told->is_up);
	buf_json_text(out, "verdict", told->verdict);
	if (seen->status)
		buf_json_int(out, "status", seen->status);
	else
		buf_json_null(out, "status");
	buf_json_text(out, "location", has_location ? seen->location : NULL);
	buf_json_int(out, "tries", seen->tries);
	buf_json_int(out, "elapsed_ms", seen->elapsed_ms);
	buf_json_text(out, "message", told->line);
}

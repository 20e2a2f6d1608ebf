/*
 * mail.h - hands one mail to the SMTP server (libcurl) and tells how it ended.
 */
#ifndef KAIWA_MAIL_H
#define KAIWA_MAIL_H

#include "mime.h"
#include "problem.h"

struct mailer; /* one connection, kept from mail to mail */

enum mail_end {
	MAIL_SENT,    /* the server has taken it */
	MAIL_BOUNCED, /* the server says for good: no such address */
	MAIL_REFUSED, /* the server does not want this mail, for good */
	MAIL_PUT_OFF, /* not now, or not from us: may be tried again */
	MAIL_HELD,    /* `release` said no; the server has not taken it */
	MAIL_UNKNOWN, /* all was given, no answer came: it may have been taken */
	MAIL_DOWN,    /* the server cannot be talked to; not taken; see the problem */
};

/* Asked once, when all of the mail but its final dot has been given to the
 * server: until then it cannot have been taken. False: break off. */
typedef bool mail_release_fn(void *context);

/* url as SMTP_URL. Does not connect yet. With a password in the URL the
 * connection must be TLS. mailer_destroy accepts NULL. */
struct mailer *mailer_create(const char *url, struct problem *problem);
void mailer_destroy(struct mailer *mailer);

enum mail_end mailer_send(struct mailer *mailer, const struct mail *mail, mail_release_fn *release,
			  void *context, struct problem *problem);

/* The server's last line, cleaned; lives until the next mailer_send. */
const char *mailer_reply(const struct mailer *mailer);

/* name@host in plain ASCII (RFC 5322's dot-atom), so that it can stand in a
 * command, a header or a Message-ID as it is. */
bool mail_address_ok(const char *address);

enum { MAIL_TIMEOUT_S = 60 }; /* the longest one mailer_send can take */

#endif

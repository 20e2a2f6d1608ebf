/*
 * http_tls.h - the certificate and key that a server shows, read anew when they change.
 *
 * GnuTLS does the work, inside libmicrohttpd; nothing of it shows here. A program has
 * one at a time: libmicrohttpd asks for the certificate without saying for whom.
 */
#ifndef BELFRY_HTTP_TLS_H
#define BELFRY_HTTP_TLS_H

#include <stdbool.h>

#include "err.h"

struct http_tls;

/* PEM files: the certificate with those that lead up to its root, and its key. */
struct http_tls *http_tls_create(const char *certificate, const char *key, struct err *err);
/* The files as they are now; false, and those in use stay, where they are no pair. */
bool http_tls_reload(struct http_tls *tls, struct err *err);
/* Once its server is gone. */
void http_tls_destroy(struct http_tls *tls);

#endif

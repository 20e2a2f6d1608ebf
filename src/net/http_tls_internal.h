/* http_tls_internal.h - how libmicrohttpd asks for the certificate; of http_server.c. */
#ifndef BELFRY_HTTP_TLS_INTERNAL_H
#define BELFRY_HTTP_TLS_INTERNAL_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

/* A gnutls_certificate_retrieve_function2. */
int http_tls_retrieve(gnutls_session_t session, const gnutls_datum_t *authorities, int count,
		      const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
		      gnutls_pcert_st **chain, unsigned *length, gnutls_privkey_t *key);

#endif

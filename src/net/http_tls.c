/* http_tls.c - certificate and key of a server; see http_tls.h. */
#include "http_tls.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "http_tls_internal.h"
#include "mem.h"

enum {
	PEM_MAX = 1 << 20,
	CHAIN_MAX = 16,
	/* A handshake that is under way may still use a pair that was replaced. */
	REPLACED_KEPT_S = 120,
};

struct pair {
	struct pair *older;
	time_t replaced_at; /* 0: in use */
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned count;
	gnutls_privkey_t key;
};

struct http_tls {
	char *certificate, *key;
	struct pair *pair; /* in use; older ones behind it */
};

static struct http_tls *current;

static time_t now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1; /* never 0 */
}

static void pair_destroy(struct pair *pair)
{
	for (unsigned i = 0; i < pair->count; i++)
		gnutls_pcert_deinit(&pair->chain[i]);
	if (pair->key)
		gnutls_privkey_deinit(pair->key);
	free(pair);
}

static bool read_pem(const char *path, struct buf *pem, struct err *err)
{
	char data[4096];
	size_t n;
	FILE *file = fopen(path, "re");

	if (!file)
		return err_errno(err, errno, "%s", path);
	while ((n = fread(data, 1, sizeof(data), file)) > 0 && pem->length <= PEM_MAX)
		buf_add(pem, data, n);
	bool has_failed = ferror(file);
	int number = errno;
	fclose(file);
	if (has_failed)
		return err_errno(err, number, "%s", path);
	return pem->length <= PEM_MAX ||
	       err_set(err, "%s: longer than %d bytes: that is no PEM file", path, PEM_MAX);
}

static gnutls_datum_t datum_of(const struct buf *pem)
{
	return (gnutls_datum_t){(unsigned char *)pem->data, (unsigned)pem->length};
}

/* That they belong together, which the parts alone do not show. */
static bool check_pair(const struct http_tls *tls, const struct buf *certificate,
		       const struct buf *key, struct err *err)
{
	gnutls_certificate_credentials_t credentials;
	gnutls_datum_t c = datum_of(certificate), k = datum_of(key);
	int code;

	if (gnutls_certificate_allocate_credentials(&credentials) < 0)
		return err_set(err, "GnuTLS: out of memory");
	code = gnutls_certificate_set_x509_key_mem(credentials, &c, &k, GNUTLS_X509_FMT_PEM);
	gnutls_certificate_free_credentials(credentials);
	return code >= 0 ||
	       err_set(err, "%s and %s: %s", tls->certificate, tls->key, gnutls_strerror(code));
}

static bool import(struct pair *pair, const struct buf *certificate, const struct buf *key,
		   struct err *err)
{
	gnutls_datum_t c = datum_of(certificate), k = datum_of(key);
	int code;

	pair->count = CHAIN_MAX;
	code = gnutls_pcert_list_import_x509_raw(pair->chain, &pair->count, &c, GNUTLS_X509_FMT_PEM,
						 GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
	if (code < 0)
		pair->count = 0;
	if (code >= 0)
		code = gnutls_privkey_init(&pair->key);
	if (code >= 0)
		code = gnutls_privkey_import_x509_raw(pair->key, &k, GNUTLS_X509_FMT_PEM, NULL, 0);
	return code >= 0 || err_set(err, "certificate or key: %s", gnutls_strerror(code));
}

static struct pair *load(const struct http_tls *tls, struct err *err)
{
	struct pair *pair = mem_alloc(sizeof(*pair));
	struct buf certificate = {0}, key = {0};

	bool ok = read_pem(tls->certificate, &certificate, err) && read_pem(tls->key, &key, err) &&
		  check_pair(tls, &certificate, &key, err) && import(pair, &certificate, &key, err);
	if (key.length)
		gnutls_memset(key.data, 0, key.length);
	buf_finish(&certificate);
	buf_finish(&key);
	if (ok)
		return pair;
	pair_destroy(pair);
	return NULL;
}

static void drop_replaced(struct http_tls *tls, bool all)
{
	struct pair **at = &tls->pair;

	while (*at) {
		struct pair *pair = *at;
		bool is_over = pair->replaced_at && now_s() - pair->replaced_at > REPLACED_KEPT_S;

		if (all || is_over) {
			*at = pair->older;
			pair_destroy(pair);
		} else {
			at = &pair->older;
		}
	}
}

bool http_tls_reload(struct http_tls *tls, struct err *err)
{
	struct pair *pair = load(tls, err);

	if (!pair)
		return false;
	if (tls->pair)
		tls->pair->replaced_at = now_s();
	pair->older = tls->pair;
	tls->pair = pair;
	drop_replaced(tls, false);
	return true;
}

struct http_tls *http_tls_create(const char *certificate, const char *key, struct err *err)
{
	struct http_tls *tls = mem_alloc(sizeof(*tls));

	tls->certificate = mem_copy_text(certificate);
	tls->key = mem_copy_text(key);
	if (!http_tls_reload(tls, err)) {
		http_tls_destroy(tls);
		return NULL;
	}
	current = tls;
	return tls;
}

void http_tls_destroy(struct http_tls *tls)
{
	if (!tls)
		return;
	if (current == tls)
		current = NULL;
	drop_replaced(tls, true);
	free(tls->certificate);
	free(tls->key);
	free(tls);
}

int http_tls_retrieve(gnutls_session_t session, const gnutls_datum_t *authorities, int count,
		      const gnutls_pk_algorithm_t *algorithms, int algorithm_count,
		      gnutls_pcert_st **chain, unsigned *length, gnutls_privkey_t *key)
{
	(void)session, (void)authorities, (void)count, (void)algorithms, (void)algorithm_count;
	if (!current)
		return -1;
	*chain = current->pair->chain;
	*length = current->pair->count;
	*key = current->pair->key;
	return 0;
}

/* http_gzip.h - bodies compressed for clients that take gzip (RFC 1952, RFC 9110 8.4). */
#ifndef BELFRY_HTTP_GZIP_H
#define BELFRY_HTTP_GZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"

struct http_gzip;

/* Whether an Accept-Encoding header, NULL if there is none, takes gzip. */
bool http_gzip_is_taken(const char *accept_encoding);

struct http_gzip *http_gzip_create(void);
void http_gzip_destroy(struct http_gzip *gzip);
/* Adds the compressed bytes to out, all of them at each call, so that who follows a
 * stream sees what there is. With is_last the end too; nothing may be added after it. */
void http_gzip_add(struct http_gzip *gzip, const char *data, size_t length, bool is_last,
		   struct buf *out);

#endif

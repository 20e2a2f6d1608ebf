/* auth.c - whether a request may do what it asks for; see auth.h. */
#include "auth.h"

#include <fnmatch.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

_Static_assert(TOKEN_HASH_SIZE == crypto_generichash_BYTES, "BLAKE2b's usual size");

enum { SECRET_BYTES = 32 };

/* Letters and digits that are not taken for each other (Crockford's base 32). */
static void spell(char *text, const uint8_t *bytes, size_t count)
{
	static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";

	for (size_t i = 0; i < count; i++)
		text[i] = letters[bytes[i] % 32];
	text[count] = '\0';
}

void auth_hash(const char *text, uint8_t hash[TOKEN_HASH_SIZE])
{
	crypto_generichash(hash, TOKEN_HASH_SIZE, (const unsigned char *)text, strlen(text), NULL,
			   0);
}

void auth_draw(char text[TOKEN_TEXT_MAX], char id[TOKEN_ID_LENGTH + 1],
	       uint8_t hash[TOKEN_HASH_SIZE])
{
	uint8_t random[TOKEN_ID_LENGTH], secret[SECRET_BYTES];
	char hex[2 * SECRET_BYTES + 1];

	randombytes_buf(random, sizeof(random));
	randombytes_buf(secret, sizeof(secret));
	spell(id, random, TOKEN_ID_LENGTH);
	sodium_bin2hex(hex, sizeof(hex), secret, sizeof(secret));
	snprintf(text, TOKEN_TEXT_MAX, "bft_%s_%s", id, hex);
	auth_hash(text, hash);
	sodium_memzero(secret, sizeof(secret));
	sodium_memzero(hex, sizeof(hex));
}

/* What follows "Bearer " (RFC 6750); NULL where it is something else. */
static const char *bearer(const char *authorization)
{
	static const char scheme[] = "Bearer ";

	if (strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
		return NULL;
	const char *text = authorization + sizeof(scheme) - 1;
	text += strspn(text, " ");
	return strlen(text) <= TOKEN_TEXT_MAX ? text : NULL;
}

/* All of them are compared, each whole, so that time does not tell how near a guess is. */
static const struct token *find(const struct auth_question *q, const char *text)
{
	uint8_t hash[TOKEN_HASH_SIZE];
	const struct token *found = NULL;

	auth_hash(text ? text : "", hash);
	for (size_t i = 0; i < q->count; i++) {
		bool is_it = sodium_memcmp(hash, q->tokens[i].hash, sizeof(hash)) == 0;

		if (is_it && !utc_is_set(q->tokens[i].revoked_at))
			found = &q->tokens[i];
	}
	return text && *text ? found : NULL;
}

static bool is_for(const struct token *token, const struct auth_question *q)
{
	if (!token->jobs)
		return true;
	if (q->is_about_all)
		return false;
	return !q->job || fnmatch(token->jobs, q->job, 0) == 0;
}

enum auth_verdict auth_decide(const struct auth_question *q, const struct token **token)
{
	*token = NULL;
	if (q->count == 0)
		return AUTH_FINE;
	if (!q->authorization)
		return AUTH_MISSING;
	const struct token *found = find(q, bearer(q->authorization));
	if (!found)
		return AUTH_UNKNOWN;
	if (utc_is_set(found->expires_at) && found->expires_at.ms <= q->now.ms)
		return AUTH_EXPIRED;
	*token = found;
	if (found->scope < q->scope)
		return AUTH_SCOPE;
	return is_for(found, q) ? AUTH_FINE : AUTH_JOB;
}

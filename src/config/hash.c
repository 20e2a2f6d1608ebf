/*
 * hash.c - what a job is, as numbers: to know whether it changed, and in which keys.
 *
 * Driven by the table of keys: a kept value is hashed where the table says that it is
 * kept, so a new key takes part by itself.
 */
#include <sodium/crypto_hash_sha256.h>
#include <sodium/utils.h>
#include <string.h>

#include "loader.h"
#include "str.h"

_Static_assert(offsetof(struct draft, job) == 0, "offsets of a draft are those of its job");
_Static_assert(crypto_hash_sha256_BYTES * 2 + 1 == sizeof(((struct config *)NULL)->lazy_hash),
	       "hex");

uint32_t hash_short(uint64_t hash)
{
	return (uint32_t)(hash ^ hash >> 32);
}

static uint64_t add_text(uint64_t hash, const char *text)
{
	static const char none = 1;

	return text ? str_quick_hash(hash, text, strlen(text) + 1) : str_quick_hash(hash, &none, 1);
}

static uint64_t add_list(uint64_t hash, const struct text_list *list)
{
	hash = str_quick_hash(hash, &list->count, sizeof(list->count));
	for (size_t i = 0; i < list->count; i++)
		hash = add_text(hash, list->items[i]);
	return hash;
}

static uint64_t add_env(uint64_t hash, const struct job *job)
{
	hash = str_quick_hash(hash, &job->env_count, sizeof(job->env_count));
	for (size_t i = 0; i < job->env_count; i++) {
		hash = add_text(hash, job->env[i].name);
		hash = add_text(hash, job->env[i].value);
		hash = str_quick_hash(hash, &job->env[i].from_environment, sizeof(bool));
	}
	return hash;
}

static uint64_t add_remote(uint64_t hash, const struct job *job, const struct around_hash *around,
			   enum executor_kind kind)
{
	bool is_it = job->executor == kind;

	hash = str_quick_hash(hash, &is_it, sizeof(is_it));
	return is_it ? str_quick_hash(hash, &around->remote, sizeof(around->remote)) : hash;
}

/* Of a job that does not verify: as of one that leaves it to the defaults. */
static bool add_verify(uint64_t *hash, const struct job *job, enum key key)
{
	static const struct verify_spec none = {.expect_status = VERIFY_STATUS_USUAL};
	const struct verify_spec *verify = job->verify ? job->verify : &none;

	if (key == KEY_VERIFY_URL)
		*hash = add_text(*hash, verify->url);
	else if (key == KEY_VERIFY_FLY)
		*hash = add_text(*hash, verify->fly);
	else if (key == KEY_VERIFY_STATUS)
		*hash = str_quick_hash(*hash, &verify->expect_status,
				       sizeof(verify->expect_status));
	else if (key == KEY_VERIFY_TEXT)
		*hash = add_text(*hash, verify->expect_text);
	else if (key == KEY_VERIFY_WITHIN)
		*hash = str_quick_hash(*hash, &verify->within_ms, sizeof(verify->within_ms));
	else
		return false;
	return true;
}

/* What is not kept as the value that was written. */
static bool add_special(uint64_t *hash, const struct job *job, const struct around_hash *around,
			enum key key)
{
	int64_t jitter_ms = job->schedule ? schedule_jitter_max_ms(job->schedule) : 0;

	if (key == KEY_ENABLED && job->remote.native)
		*hash = str_quick_hash(*hash, &job->remote.native_enabled, sizeof(bool));
	else if (key == KEY_SCHEDULE)
		*hash = str_quick_hash(*hash, &around->schedule, sizeof(around->schedule));
	else if (key == KEY_TIMEZONE)
		*hash = add_text(*hash, job->timezone);
	else if (key == KEY_START)
		*hash = str_quick_hash(*hash, &around->start, sizeof(around->start));
	else if (key == KEY_END)
		*hash = str_quick_hash(*hash, &around->end, sizeof(around->end));
	else if (key == KEY_EXCEPT)
		*hash = str_quick_hash(*hash, &around->except, sizeof(around->except));
	else if (key == KEY_JITTER)
		*hash = str_quick_hash(*hash, &jitter_ms, sizeof(jitter_ms));
	else if (key == KEY_COMMAND)
		*hash = add_list(*hash, job->verify ? &(struct text_list){0} : &job->argv);
	else if (key == KEY_ENV)
		*hash = add_env(*hash, job);
	else if (key == KEY_ALERT)
		*hash = add_text(*hash, job->alert_json);
	else if (key == KEY_PARTIAL_CODES)
		*hash = str_quick_hash(*hash, job->partial_codes.items, job->partial_codes.count);
	else if (key == KEY_CPU)
		*hash = str_quick_hash(*hash, &job->process.limits.cpu_s, sizeof(int64_t));
	else if (key == KEY_DOCKER)
		*hash = add_remote(*hash, job, around, EXECUTOR_DOCKER);
	else if (key == KEY_FLY)
		*hash = add_remote(*hash, job, around, EXECUTOR_FLY);
	else if (key == KEY_HTTP)
		*hash = add_remote(*hash, job, around, EXECUTOR_HTTP);
	else
		return add_verify(hash, job, key);
	return true;
}

static uint64_t add_kept(uint64_t hash, const struct job *job, const struct key_row *row)
{
	const char *at = (const char *)job + row->offset;

	if (!row->is_kept || row->offset + row->width > sizeof(*job))
		return hash;
	if (row->kind == KIND_TEXT)
		return add_text(hash, *(const char *const *)(const void *)at);
	if (row->kind == KIND_TEXTS || row->kind == KIND_NAMES)
		return add_list(hash, (const struct text_list *)(const void *)at);
	return str_quick_hash(hash, at, row->width);
}

static uint64_t add_key(uint64_t hash, const struct job *job, const struct around_hash *around,
			enum key key)
{
	if (add_special(&hash, job, around, key))
		return hash;
	hash = add_kept(hash, job, &keys[key]);
	if (keys[key].kind != KIND_OBJECT)
		return hash;
	for (int i = (int)key + 1; i < KEY_COUNT; i++)
		if (keys[i].parent == key)
			hash = add_key(hash, job, around, (enum key)i);
	return hash;
}

uint64_t hash_key(const struct job *job, const struct around_hash *around, enum key key)
{
	return add_key(STR_HASH_INIT, job, around, key);
}

void hash_job(struct job *job, const struct around_hash *around)
{
	uint64_t hash =
		str_quick_hash(STR_HASH_INIT, &job->schedule_hash, sizeof(job->schedule_hash));

	for (int i = KEY_NAME; i < KEY_COUNT; i++)
		if (keys[i].parent == KEY_JOBS)
			hash = add_key(hash, job, around, (enum key)i);
	job->hash = hash;
}

void hash_content(const char *text, size_t length, char hex[65])
{
	unsigned char digest[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(digest, (const unsigned char *)text, length);
	sodium_bin2hex(hex, 65, digest, sizeof(digest));
}

/* sqlite_access.c - tokens and the audit log; see sqlite.h. */
#include <string.h>

#include "sqlite.h"
#include "sqlite_rows.h"

bool sqlite_write_token(struct sqlite *s, struct record *record, struct err *err)
{
	const struct token *token = &record->token;
	sqlite3_stmt *statement = sqlite_kept(
		s, KEPT_TOKEN,
		"INSERT INTO token (id, name, scope, jobs, hash, created_at, expires_at, "
		"revoked_at, created_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
		"ON CONFLICT (id) DO UPDATE SET revoked_at = excluded.revoked_at",
		err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_text(&to, token->id);
	sqlite_put_text(&to, token->name);
	sqlite_put_text(&to, scope_word(token->scope));
	sqlite_put_text(&to, token->jobs);
	sqlite_put_bytes(&to, (const char *)token->hash, sizeof(token->hash));
	sqlite_put_time(&to, token->created_at);
	sqlite_put_time(&to, token->expires_at);
	sqlite_put_time(&to, token->revoked_at);
	sqlite_put_text(&to, token->created_by);
	return sqlite_run(s, statement, err);
}

static bool forget_old_audits(struct sqlite *s, struct err *err)
{
	sqlite3_stmt *statement = sqlite_kept(
		s, KEPT_AUDIT_OLD,
		"DELETE FROM audit WHERE number <= (SELECT max(number) FROM audit) - ?", err);

	if (!statement)
		return false;
	sqlite_put_int(&(struct binder){statement, 0}, STORE_AUDITS_KEPT);
	return sqlite_run(s, statement, err);
}

bool sqlite_write_audit(struct sqlite *s, struct record *record, struct err *err)
{
	const struct audit *audit = &record->audit;
	sqlite3_stmt *statement =
		sqlite_kept(s, KEPT_AUDIT,
			    "INSERT INTO audit (number, at, who, address, action, target, status) "
			    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			    err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_int(&to, audit->number);
	sqlite_put_time(&to, audit->at);
	sqlite_put_text(&to, audit->who);
	sqlite_put_text(&to, audit->address);
	sqlite_put_text(&to, audit->action);
	sqlite_put_text(&to, audit->target);
	sqlite_put_int(&to, audit->status);
	return sqlite_run(s, statement, err) && forget_old_audits(s, err);
}

/* ---- reading ---- */

struct token_rows {
	store_token_fn *row;
	void *context;
};

static enum going hand_token(sqlite3_stmt *statement, void *context, struct err *err)
{
	struct token_rows *rows = context;
	struct reader from = sqlite_reader(statement, err);
	struct token token = {0};
	size_t length;

	token.id = sqlite_get_text(&from);
	token.name = sqlite_get_text(&from);
	const char *scope = sqlite_get_text(&from);
	token.jobs = sqlite_get_text(&from);
	const char *hash = sqlite_get_bytes(&from, &length);
	token.created_at = sqlite_get_time(&from);
	token.expires_at = sqlite_get_time(&from);
	token.revoked_at = sqlite_get_time(&from);
	token.created_by = sqlite_get_text(&from);
	if (!scope || !scope_from_word(scope, &token.scope) || length != sizeof(token.hash)) {
		err_set(err, "token %s is none of this belfry's", token.id);
		return GOING_WRONG;
	}
	memcpy(token.hash, hash, sizeof(token.hash));
	return sqlite_handed(rows->row(rows->context, &token));
}

bool sqlite_tokens(struct store *store, store_token_fn *row, void *context, struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	sqlite3_stmt *statement = sqlite_prepare(s,
						 "SELECT id, name, scope, jobs, hash, created_at, "
						 "expires_at, revoked_at, created_by "
						 "FROM token ORDER BY created_at, id",
						 err);

	return statement &&
	       sqlite_each_once(s, statement, hand_token, &(struct token_rows){row, context}, err);
}

struct audit_rows {
	store_audit_fn *row;
	void *context;
};

static enum going hand_audit(sqlite3_stmt *statement, void *context, struct err *err)
{
	struct audit_rows *rows = context;
	struct reader from = sqlite_reader(statement, err);
	struct audit audit;

	audit.number = sqlite_get_int(&from);
	audit.at = sqlite_get_time(&from);
	audit.who = sqlite_get_text(&from);
	audit.address = sqlite_get_text(&from);
	audit.action = sqlite_get_text(&from);
	audit.target = sqlite_get_text(&from);
	audit.status = (int32_t)sqlite_get_int(&from);
	return sqlite_handed(rows->row(rows->context, &audit));
}

bool sqlite_audits(struct store *store, const struct audit_filter *filter, store_audit_fn *row,
		   void *context, struct err *err)
{
	struct sqlite *s = sqlite_of(store);
	sqlite3_stmt *statement =
		sqlite_prepare(s,
			       "SELECT number, at, who, address, action, target, status FROM audit "
			       "WHERE number < ? ORDER BY number DESC LIMIT ?",
			       err);
	struct binder to = {statement, 0};

	if (!statement)
		return false;
	sqlite_put_int(&to, filter->before ? filter->before : INT64_MAX);
	sqlite_put_int(&to, sqlite_limit(filter->limit));
	return sqlite_each_once(s, statement, hand_audit, &(struct audit_rows){row, context}, err);
}

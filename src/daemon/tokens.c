/*
 * tokens.c - the tokens that may be used: those of the store, and those that the
 * environment names; and the audit log.
 *
 * BELFRY_TOKEN may do all, CRON_SECRET may operate: one-token set-ups, and the way
 * back in for who has lost all others.
 */
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "clock.h"
#include "internal.h"
#include "log.h"
#include "str.h"

static struct token *add(struct token_list *list)
{
	if (list->count == list->capacity) {
		list->capacity = list->capacity ? list->capacity * 2 : 8;
		list->items = mem_resize(list->items, list->capacity * sizeof(*list->items));
	}
	return &list->items[list->count++];
}

static bool keep(void *context, const struct token *token)
{
	struct token_list *list = context;

	if (utc_is_set(token->revoked_at))
		return true;
	struct token *copy = add(list);
	*copy = *token;
	copy->id = arena_text(&list->arena, token->id);
	copy->name = arena_text(&list->arena, token->name);
	copy->jobs = token->jobs ? arena_text(&list->arena, token->jobs) : NULL;
	copy->created_by = arena_text(&list->arena, token->created_by);
	return true;
}

static void add_variable(struct token_list *list, const char *variable, enum scope scope)
{
	const char *text = getenv(variable);

	if (str_empty(text))
		return;
	struct token *token = add(list);
	*token = (struct token){.id = variable,
				.name = variable,
				.scope = scope,
				.created_at = UTC_NONE,
				.expires_at = UTC_NONE,
				.revoked_at = UTC_NONE,
				.created_by = "environment"};
	auth_hash(text, token->hash);
}

static void finish_list(struct token_list *list)
{
	free(list->items);
	arena_finish(&list->arena);
	*list = (struct token_list){0};
}

bool tokens_load(struct daemon *daemon, struct err *err)
{
	struct token_list list = {0};

	add_variable(&list, "BELFRY_TOKEN", SCOPE_ADMIN);
	add_variable(&list, "CRON_SECRET", SCOPE_OPERATE);
	/* Half a list, or none, would let in whom the whole one keeps out. */
	if (!store_tokens(daemon->store, keep, &list, err)) {
		finish_list(&list);
		return err_wrap(err, "tokens, which stay as they were");
	}
	finish_list(&daemon->tokens);
	daemon->tokens = list;
	daemon->world.tokens = list.items;
	daemon->world.token_count = list.count;
	return true;
}

void tokens_finish(struct daemon *daemon)
{
	finish_list(&daemon->tokens);
}

bool tokens_put(struct daemon *daemon, const struct token *token)
{
	struct record record = {.kind = RECORD_TOKEN};
	struct mono now = clock_now().mono;
	struct err err;

	if (daemon->recorder.is_failing)
		return false;
	record.token = *token;
	recorder_add(&daemon->recorder, &record, now);
	if (!recorder_flush(&daemon->recorder, now, true))
		return false;
	if (!tokens_load(daemon, &err)) {
		log_error("%s", err.text);
		return false;
	}
	return true;
}

static bool take_number(void *context, const struct audit *audit)
{
	*(int64_t *)context = audit->number;
	return false;
}

bool tokens_find_last_audit(struct daemon *daemon, struct err *err)
{
	return store_audits(daemon->store, &(struct audit_filter){.limit = 1}, take_number,
			    &daemon->last_audit, err) ||
	       err_wrap(err, "audit log");
}

void tokens_audit(struct daemon *daemon, const struct audit *audit)
{
	struct record record = {.kind = RECORD_AUDIT};

	record.audit = *audit;
	record.audit.number = ++daemon->last_audit;
	recorder_add(&daemon->recorder, &record, clock_now().mono);
	log_info("%s%s%s by %s from %s: %d", audit->action, audit->target ? " " : "",
		 audit->target ? audit->target : "", audit->who, audit->address, audit->status);
}

/* memory_access.c - tokens and the audit log of the memory store; see memory_internal.h. */
#include <stdlib.h>
#include <string.h>

#include "memory_internal.h"

void memory_write_token(struct memory *memory, const struct record *record)
{
	const struct token *token = &record->token;

	for (size_t i = 0; i < memory->tokens.count; i++) {
		struct token *old = memory->tokens.items[i];

		if (strcmp(old->id, token->id) == 0) {
			old->revoked_at = token->revoked_at;
			return;
		}
	}
	struct token *copy = mem_alloc(sizeof(*copy));
	*copy = *token;
	copy->id = mem_own(token->id);
	copy->name = mem_own(token->name);
	copy->jobs = mem_own(token->jobs);
	copy->created_by = mem_own(token->created_by);
	memory_list_add(&memory->tokens, copy);
}

static void destroy_audit(struct audit *audit)
{
	mem_disown(audit->who);
	mem_disown(audit->address);
	mem_disown(audit->action);
	mem_disown(audit->target);
	free(audit);
}

static void destroy_token(struct token *token)
{
	mem_disown(token->id);
	mem_disown(token->name);
	mem_disown(token->jobs);
	mem_disown(token->created_by);
	free(token);
}

void memory_write_audit(struct memory *memory, const struct record *record)
{
	struct list *list = &memory->audits;
	const struct audit *newest = list->count ? list->items[list->count - 1] : NULL;

	if (newest && newest->number >= record->audit.number)
		return;
	struct audit *copy = mem_alloc(sizeof(*copy));
	*copy = record->audit;
	copy->who = mem_own(copy->who);
	copy->address = mem_own(copy->address);
	copy->action = mem_own(copy->action);
	copy->target = mem_own(copy->target);
	memory_list_add(list, copy);
	int64_t last_gone = copy->number - STORE_AUDITS_KEPT;
	size_t gone = 0;
	while (((const struct audit *)list->items[gone])->number <= last_gone)
		destroy_audit(list->items[gone++]);
	list->count -= gone;
	memmove(list->items, list->items + gone, list->count * sizeof(void *));
}

void memory_finish_access(struct memory *memory)
{
	for (size_t i = 0; i < memory->tokens.count; i++)
		destroy_token(memory->tokens.items[i]);
	for (size_t i = 0; i < memory->audits.count; i++)
		destroy_audit(memory->audits.items[i]);
	free(memory->tokens.items);
	free(memory->audits.items);
}

/* ---- reading ---- */

static int in_order(const void *left, const void *right)
{
	const struct token *a = *(const struct token *const *)left;
	const struct token *b = *(const struct token *const *)right;

	if (a->created_at.ms != b->created_at.ms)
		return a->created_at.ms < b->created_at.ms ? -1 : 1;
	return strcmp(a->id, b->id);
}

bool memory_tokens(struct store *store, store_token_fn *row, void *context, struct err *err)
{
	struct memory *memory = memory_of(store);

	(void)err;
	if (memory->tokens.count)
		qsort(memory->tokens.items, memory->tokens.count, sizeof(void *), in_order);
	for (size_t i = 0; i < memory->tokens.count; i++)
		if (!row(context, memory->tokens.items[i]))
			break;
	return true;
}

bool memory_audits(struct store *store, const struct audit_filter *filter, store_audit_fn *row,
		   void *context, struct err *err)
{
	const struct memory *memory = memory_of(store);
	size_t count = 0;

	(void)err;
	for (size_t i = memory->audits.count; i-- > 0;) {
		const struct audit *audit = memory->audits.items[i];

		if (filter->before && audit->number >= filter->before)
			continue;
		if ((filter->limit && count++ == filter->limit) || !row(context, audit))
			break;
	}
	return true;
}

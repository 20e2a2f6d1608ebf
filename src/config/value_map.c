/* value_map.c - maps of names to texts: env and headers; see value.h. */
#include "value.h"

#include <string.h>

static struct env_var *add_env(struct loader *l, struct env_list *env)
{
	if (env->count == env->capacity) {
		size_t capacity = env->capacity ? env->capacity * 2 : 8;
		struct env_var *items = arena_array(l->in_defaults ? l->arena : &l->scratch,
						    struct env_var, capacity);
		if (env->count)
			memcpy(items, env->items, env->count * sizeof(*items));
		env->items = items;
		env->capacity = capacity;
	}
	return &env->items[env->count++];
}

/* Only what came from "defaults" can be there already: keys are unique in an object. */
static struct env_var *env_slot(struct loader *l, struct draft *d, const char *name)
{
	size_t inherited = l->in_defaults ? 0 : l->base.env.count;

	for (size_t i = 0; i < inherited && i < d->env.count; i++)
		if (strcmp(d->env.items[i].name, name) == 0)
			return &d->env.items[i];
	return add_env(l, &d->env);
}

/* Those of "defaults" first; they are copied before the first change. */
static void own_env(struct loader *l, struct draft *d)
{
	struct env_list own = {0};

	if (d->has_own_env || l->in_defaults)
		return;
	/* Beyond the bound, which job_read.c tells, nothing will come of it. */
	for (size_t i = 0; i < d->env.count && l->env_count <= ENV_MAX; i++)
		*add_env(l, &own) = d->env.items[i];
	d->env = own;
	d->has_own_env = true;
}

static bool check_map_name(struct slot *s, struct json_piece key, const char *name)
{
	const struct rule_row *rule = &text_rules[s->row->rule];
	char piece[SHOWN_MAX];

	if (!rule->is_met(name))
		return loader_tell(s->l, SEVERITY_ERROR, key.at - 1, key.length + 2,
				   "\"%s\" is not %s", shown(name, strlen(name), piece),
				   rule->wanted);
	if (s->row->is_kept && strncmp(name, "BELFRY_", 7) == 0)
		loader_tell(
			s->l, SEVERITY_WARNING, key.at - 1, key.length + 2,
			"belfry sets BELFRY_… variables itself and may overwrite this one; choose "
			"another name");
	return true;
}

void value_read_map(struct slot *s)
{
	struct json_reader *r = &s->l->json;
	struct json_piece key = {0};

	if (s->row->is_kept)
		own_env(s->l, s->d);
	json_open(r);
	for (int count = 0; json_next_member(r, &key); count++) {
		bool is_secret = false;
		if (count == MAP_MAX)
			loader_tell(s->l, SEVERITY_ERROR, key.at - 1, key.length + 2,
				    "more than %d names", MAP_MAX);
		if (count >= MAP_MAX) {
			json_skip(r);
			continue;
		}
		const char *name = json_piece_text(r, key, &s->l->scratch, NULL);

		if (!value_item_is(s, 1u << JSON_STRING, "a text in double quotes"))
			continue;
		const char *text = value_text(s->l, true, &is_secret);
		if (!check_map_name(s, key, name) || !text || !s->row->is_kept)
			continue;
		name = intern_text(&s->l->texts, s->l->arena, name);
		*env_slot(s->l, s->d, name) =
			(struct env_var){.name = name,
					 .value = intern_text(&s->l->texts, s->l->arena, text),
					 .from_environment = is_secret};
	}
}

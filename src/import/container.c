/* container.c - a pod's container: image, command, environment, folders of the host. */
#include <ctype.h>
#include <string.h>

#include "cronjob.h"

static struct import_place place(struct container *c, yaml_node_t *node)
{
	return yaml_place(c->y, node);
}

/* ---- $(NAME) ---- */

static size_t reference_length(const char *text)
{
	size_t n = 2;

	if (text[0] != '$' || text[1] != '(')
		return 0;
	while (isalnum((unsigned char)text[n]) || strchr("_.-", text[n])) {
		if (!text[n])
			return 0;
		n++;
	}
	return n > 2 && text[n] == ')' ? n + 1 : 0;
}

static void add_reference(struct container *c, struct buf *out, const char *text, size_t length,
			  struct import_place at)
{
	const char *name = arena_copy(&c->e->im->arena, text + 2, length - 3);
	const char *value = pairs_value(&c->env, name);

	if (value) {
		buf_text(out, value);
		return;
	}
	buf_add(out, text, length);
	entry_tell(c->e, IMPORT_LEFT, at, "environment",
		   "$(%s): its value is not in the file, so the text stands as it is", name);
}

/* As Kubernetes replaces them: $(NAME) by a variable of the container, $$ by $. */
static const char *with_references(struct container *c, yaml_node_t *node, const char *text)
{
	struct buf out = {0};

	if (!strchr(text, '$'))
		return text;
	while (*text) {
		size_t length = reference_length(text);

		/* What is longer is refused with the whole of it. */
		if (length && out.length <= VALUE_MAX) {
			add_reference(c, &out, text, length, place(c, node));
			text += length;
			continue;
		}
		buf_char(&out, *text);
		text += text[0] == '$' && text[1] == '$' ? 2 : 1;
	}
	const char *copy = arena_text(&c->e->im->arena, buf_string(&out));
	buf_finish(&out);
	return copy;
}

/* ---- environment ---- */

/* "secret db, key password", of valueFrom. */
static const char *origin(struct container *c, yaml_node_t *from)
{
	static const char *const kinds[][3] = {{"secretKeyRef", "secret", "key"},
					       {"configMapKeyRef", "config map", "key"},
					       {"fieldRef", "the pod's field", "fieldPath"},
					       {"resourceFieldRef", "the resource", "resource"}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		yaml_node_t *ref = yaml_get(c->y, from, kinds[i][0]);
		const char *name = yaml_text(yaml_get(c->y, ref, "name"));
		const char *key = yaml_text(yaml_get(c->y, ref, kinds[i][2]));

		if (ref)
			return arena_format(&c->e->im->arena, "%s %s%s%s", kinds[i][1],
					    name ? name : "", name && key ? ", key " : "",
					    key ? key : "");
	}
	return "elsewhere";
}

static bool add_variable(struct container *c, yaml_node_t *item)
{
	const char *name = yaml_text(yaml_get(c->y, item, "name"));
	yaml_node_t *value = yaml_get(c->y, item, "value");
	yaml_node_t *from = yaml_get(c->y, item, "valueFrom");

	if (!name || !*name || strchr(name, '='))
		return import_fault(c->e->im, place(c, item), NULL,
				    "a variable has a name, without =");
	if (from) {
		entry_tell(c->e, IMPORT_LEFT, place(c, item), "environment",
			   "%s comes from %s; give it to belfry's own environment and write "
			   "\"%s\": \"${%s}\"",
			   name, origin(c, from), name, name);
		return true;
	}
	if (value && !yaml_text(value))
		return import_fault(c->e->im, place(c, value), NULL, "the value of %s is a text",
				    name);
	const char *text = value ? with_references(c, value, yaml_text(value)) : "";
	return pairs_set(&c->env, arena_text(&c->e->im->arena, name),
			 arena_text(&c->e->im->arena, text)) ||
	       import_fault(c->e->im, place(c, item), NULL,
			    "more than %d variables in one container, or one longer than %d KiB",
			    PAIRS_MAX, VALUE_MAX >> 10);
}

static bool set_environment(struct container *c)
{
	yaml_node_t *env = yaml_get(c->y, c->node, "env");
	yaml_node_t *from = yaml_get(c->y, c->node, "envFrom");
	bool ok = true;

	for (size_t i = 0; i < yaml_count(env); i++)
		ok &= add_variable(c, yaml_item(c->y, env, i));
	if (from)
		entry_tell(c->e, IMPORT_LEFT, place(c, from), "environment",
			   "envFrom: whole secrets and config maps are not in the file; an "
			   "\"env_file\" can take their place");
	if (ok && c->env.count) {
		c->e->values[IMPORT_ENV] = pairs_json(&c->env, &c->e->im->arena);
		entry_carried(c->e, arena_format(&c->e->im->arena, "environment (%s)",
						 pairs_names(&c->env, &c->e->im->arena)));
	}
	return ok;
}

/* ---- command ---- */

static bool add_words(struct container *c, yaml_node_t *list, struct buf *json)
{
	for (size_t i = 0; i < yaml_count(list); i++) {
		yaml_node_t *item = yaml_item(c->y, list, i);
		const char *text = yaml_text(item);

		if (!text)
			return import_fault(c->e->im, place(c, item ? item : list), NULL,
					    "command and args are lists of texts");
		buf_json_text(json, NULL,
			      text_literal(&c->e->im->arena, with_references(c, item, text)));
	}
	return true;
}

static bool set_command(struct container *c)
{
	yaml_node_t *command = yaml_get(c->y, c->node, "command");
	yaml_node_t *args = yaml_get(c->y, c->node, "args");
	struct buf json = {0};

	buf_json_open(&json, NULL, '[');
	bool ok = add_words(c, command, &json) && add_words(c, args, &json);
	buf_json_close(&json, ']');
	if (ok && (command || args)) {
		entry_json(c->e, IMPORT_COMMAND, buf_string(&json));
		entry_carried(c->e, command && args ? "command and args"
				    : command       ? "command"
						    : "args");
	}
	if (ok && command)
		entry_tell(c->e, IMPORT_DIFFERS, place(c, command), "entrypoint",
			   "\"command\" there takes the place of the image's entrypoint; here "
			   "it is handed to it, where the image has one");
	buf_finish(&json);
	return ok;
}

/* ---- image and folders ---- */

/* The path on the host of the pod's volume of that name; NULL where it is none. */
static const char *host_path(struct container *c, const char *name)
{
	yaml_node_t *volumes = yaml_get(c->y, c->pod, "volumes");

	for (size_t i = 0; name && i < yaml_count(volumes); i++) {
		yaml_node_t *volume = yaml_item(c->y, volumes, i);
		const char *its_name = yaml_text(yaml_get(c->y, volume, "name"));

		if (its_name && strcmp(its_name, name) == 0)
			return yaml_text(
				yaml_get(c->y, yaml_get(c->y, volume, "hostPath"), "path"));
	}
	return NULL;
}

static void add_volume(struct container *c, yaml_node_t *mount, struct buf *json)
{
	const char *name = yaml_text(yaml_get(c->y, mount, "name"));
	const char *path = yaml_text(yaml_get(c->y, mount, "mountPath"));
	const char *read_only = yaml_text(yaml_get(c->y, mount, "readOnly"));
	const char *host = host_path(c, name);

	if (!host || !path) {
		entry_tell(c->e, IMPORT_LEFT, place(c, mount), "volume",
			   "%s at %s: only folders of the host can be mounted", name ? name : "?",
			   path ? path : "?");
		return;
	}
	bool is_read_only = read_only && strcmp(read_only, "true") == 0;
	buf_json_text(
		json, NULL,
		text_literal(&c->e->im->arena, arena_format(&c->e->im->arena, "%s:%s%s", host, path,
							    is_read_only ? ":ro" : "")));
}

static bool set_docker(struct container *c)
{
	const char *image = yaml_text(yaml_get(c->y, c->node, "image"));
	yaml_node_t *mounts = yaml_get(c->y, c->node, "volumeMounts");
	struct buf json = {0}, volumes = {0};

	if (!image || !*image)
		return import_fault(c->e->im, place(c, c->node), NULL, "a container has an image");
	buf_json_open(&volumes, NULL, '[');
	for (size_t i = 0; i < yaml_count(mounts); i++)
		add_volume(c, yaml_item(c->y, mounts, i), &volumes);
	buf_json_close(&volumes, ']');
	buf_json_open(&json, NULL, '{');
	buf_json_text(&json, "image", text_literal(&c->e->im->arena, image));
	if (volumes.length > 2)
		buf_json_raw(&json, "volumes", buf_string(&volumes));
	buf_json_close(&json, '}');
	entry_json(c->e, IMPORT_DOCKER, buf_string(&json));
	entry_carried(c->e, "image");
	buf_finish(&json);
	buf_finish(&volumes);
	return true;
}

static void leave_others(struct container *c)
{
	static const char *const known[] = {"name", "image",   "command",      "args",
					    "env",  "envFrom", "volumeMounts", "imagePullPolicy",
					    NULL};
	struct import_place at = {0};
	const char *keys = yaml_other_keys(c->y, c->node, known, &at);
	yaml_node_t *inits = yaml_get(c->y, c->pod, "initContainers");

	if (*keys)
		entry_tell(c->e, IMPORT_LEFT, at, "container", "%s: nothing like it in belfry",
			   keys);
	if (yaml_count(inits))
		entry_tell(c->e, IMPORT_LEFT, place(c, inits), "initContainers",
			   "what they prepare has to be done by the job itself");
}

bool container_translate(struct container *c)
{
	yaml_node_t *containers = yaml_get(c->y, c->pod, "containers");
	size_t count = yaml_count(containers);

	c->node = yaml_item(c->y, containers, 0);
	if (!yaml_is_mapping(c->node))
		return import_fault(c->e->im, yaml_place(c->y, containers ? containers : c->pod),
				    NULL, "a pod has containers, at least one");
	if (count > 1)
		return entry_drop(c->e, place(c, containers), "containers",
				  "it has %zu containers that work together; a job here has one",
				  count);
	if (!set_docker(c) || !set_environment(c) || !set_command(c))
		return false;
	leave_others(c);
	return true;
}

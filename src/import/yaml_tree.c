/* yaml_tree.c - YAML by libyaml; see yaml_tree.h. */
#include "yaml_tree.h"

#include <stdlib.h>
#include <string.h>

#include "utf8.h"

static void find_lines(struct yaml_reader *y)
{
	const char *text = y->source->text;
	size_t count = 1, line = 0;

	for (size_t i = 0; i < y->source->length; i++)
		count += text[i] == '\n';
	uint32_t *starts = arena_array(&y->im->arena, uint32_t, count);
	for (size_t i = 0; i < y->source->length; i++)
		if (text[i] == '\n')
			starts[++line] = (uint32_t)i + 1;
	y->line_starts = starts;
	y->line_count = count;
}

enum { BRACKETS_MAX = 2000, ANCHORS_MAX = 5000 };

/* libyaml takes time by the square of how deep brackets are nested. Those in texts count
 * as well: no file of jobs has so many that are not closed. */
static bool is_nested_too_deep(const char *text)
{
	size_t depth = 0;

	for (; *text && depth <= BRACKETS_MAX; text++) {
		if (*text == '[' || *text == '{')
			depth++;
		else if ((*text == ']' || *text == '}') && depth)
			depth--;
	}
	return depth > BRACKETS_MAX;
}

/* And by the square of how many anchors (&name) there are. */
static bool has_too_many_anchors(const char *text)
{
	size_t count = 0;

	for (const char *at = text; (at = strchr(at, '&')) && count <= ANCHORS_MAX; at++)
		count += (at == text || strchr(" \t\n[{,:-?", at[-1])) && at[1] &&
			 !strchr("& \t\n", at[1]);
	return count > ANCHORS_MAX;
}

const char *yaml_refuses(const char *text)
{
	if (is_nested_too_deep(text))
		return "brackets are nested far too deep";
	if (has_too_many_anchors(text))
		return "more anchors (&name) than any file of jobs has";
	return NULL;
}

void yaml_init(struct yaml_reader *y, struct import *im, const struct import_source *source)
{
	*y = (struct yaml_reader){.im = im, .source = source};
	find_lines(y);
	/* Out of memory ends the process everywhere else, too. */
	if (!yaml_parser_initialize(&y->parser))
		abort();
	yaml_parser_set_input_string(&y->parser, (const unsigned char *)source->text,
				     source->length);
}

void yaml_finish(struct yaml_reader *y)
{
	if (y->has_document)
		yaml_document_delete(&y->document);
	yaml_parser_delete(&y->parser);
}

/* libyaml counts characters, we count bytes. */
static struct import_place place_of_mark(const struct yaml_reader *y, yaml_mark_t mark)
{
	size_t line = mark.line < y->line_count ? mark.line : y->line_count - 1;
	size_t at = y->line_starts[line];

	for (size_t i = 0; i < mark.column && at < y->source->length; i++) {
		size_t length = utf8_length(y->source->text + at, y->source->length - at);
		at += length ? length : 1;
	}
	return (struct import_place){y->source->path, (uint32_t)line + 1,
				     (uint32_t)(at - y->line_starts[line]) + 1};
}

static const char *line_at(const struct yaml_reader *y, struct import_place at)
{
	const char *line = y->source->text + y->line_starts[at.line - 1];

	return arena_copy(&y->im->arena, line, strcspn(line, "\n"));
}

static void tell_wrong(struct yaml_reader *y)
{
	const yaml_parser_t *p = &y->parser;
	struct import_place at = place_of_mark(y, p->problem_mark);
	const char *line = line_at(y, at);

	import_fault(y->im, at, line, "no YAML: %s%s%s", p->context ? p->context : "",
		     p->context ? ", " : "", p->problem ? p->problem : "it cannot be read");
}

yaml_node_t *yaml_next(struct yaml_reader *y)
{
	for (;;) {
		if (y->has_document)
			yaml_document_delete(&y->document);
		y->has_document = yaml_parser_load(&y->parser, &y->document) != 0;
		if (!y->has_document) {
			tell_wrong(y);
			return NULL;
		}
		yaml_node_t *root = yaml_document_get_root_node(&y->document);
		if (!root)
			return NULL;
		if (root->type != YAML_SCALAR_NODE || root->data.scalar.length)
			return root;
	}
}

static bool is_null(const yaml_node_t *node)
{
	const char *text;

	if (!node || node->type != YAML_SCALAR_NODE)
		return !node;
	text = (const char *)node->data.scalar.value;
	return node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

static yaml_node_t *node_at(struct yaml_reader *y, int index)
{
	yaml_node_t *node = yaml_document_get_node(&y->document, index);

	return is_null(node) ? NULL : node;
}

const char *yaml_text(yaml_node_t *node)
{
	return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value
						      : NULL;
}

bool yaml_is_mapping(yaml_node_t *node)
{
	return node && node->type == YAML_MAPPING_NODE;
}

yaml_node_t *yaml_get(struct yaml_reader *y, yaml_node_t *mapping, const char *key)
{
	yaml_node_t *found = NULL;

	if (!yaml_is_mapping(mapping))
		return NULL;
	for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
	     pair < mapping->data.mapping.pairs.top; pair++) {
		yaml_node_t *name = yaml_document_get_node(&y->document, pair->key);
		const char *text = yaml_text(name);

		if (!text || strcmp(text, key) != 0)
			continue;
		if (found)
			import_fault(y->im, yaml_place(y, name), NULL, "\"%s\" is given twice",
				     key);
		found = node_at(y, pair->value);
	}
	return found;
}

size_t yaml_count(yaml_node_t *sequence)
{
	if (!sequence || sequence->type != YAML_SEQUENCE_NODE)
		return 0;
	return (size_t)(sequence->data.sequence.items.top - sequence->data.sequence.items.start);
}

yaml_node_t *yaml_item(struct yaml_reader *y, yaml_node_t *sequence, size_t index)
{
	if (index >= yaml_count(sequence))
		return NULL;
	return node_at(y, sequence->data.sequence.items.start[index]);
}

struct import_place yaml_place(struct yaml_reader *y, yaml_node_t *node)
{
	return node ? place_of_mark(y, node->start_mark)
		    : (struct import_place){y->source->path, 0, 0};
}

bool yaml_is_verbatim(struct yaml_reader *y, yaml_node_t *node, struct import_place *place)
{
	const char *text = yaml_text(node);
	bool is_quoted = node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;

	*place = yaml_place(y, node);
	size_t at = y->line_starts[place->line - 1] + place->column - 1 + is_quoted;
	size_t length = node->data.scalar.length;

	if (at + length > y->source->length || memcmp(y->source->text + at, text, length) != 0)
		return false;
	place->column += is_quoted;
	return true;
}

const char *yaml_other_keys(struct yaml_reader *y, yaml_node_t *mapping, const char *const *known,
			    struct import_place *first)
{
	struct buf keys = {0};

	if (!yaml_is_mapping(mapping))
		return "";
	for (yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
	     pair < mapping->data.mapping.pairs.top; pair++) {
		yaml_node_t *name = yaml_document_get_node(&y->document, pair->key);
		const char *text = yaml_text(name);
		const char *const *word = known;

		while (text && *word && strcmp(*word, text) != 0)
			word++;
		if (!text || *word || keys.length > 500)
			continue;
		if (!keys.length)
			*first = yaml_place(y, name);
		buf_format(&keys, "%s%s", keys.length ? ", " : "",
			   text_short(&y->im->arena, text, strlen(text)));
	}
	const char *copy = arena_text(&y->im->arena, buf_string(&keys));
	buf_finish(&keys);
	return copy;
}

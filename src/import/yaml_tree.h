/*
 * yaml_tree.h - YAML by libyaml: documents as trees, with places.
 *
 * A value that is null or not there is NULL everywhere; asking a value for what its
 * kind does not have gives NULL too, so that paths into a document read plainly.
 */
#ifndef BELFRY_IMPORT_YAML_TREE_H
#define BELFRY_IMPORT_YAML_TREE_H

#include <yaml.h>

#include "entry.h"

struct yaml_reader {
	struct import *im;
	const struct import_source *source;
	yaml_parser_t parser;
	yaml_document_t document;
	bool has_document;
	const uint32_t *line_starts; /* byte at which each line begins */
	size_t line_count;
};

/* Why a text is not even tried; NULL where it is. */
const char *yaml_refuses(const char *text);
void yaml_init(struct yaml_reader *y, struct import *im, const struct import_source *source);
void yaml_finish(struct yaml_reader *y);
/* The next document's root; NULL at the end, or where the text is wrong, which is a
 * fault. An empty document is passed over. */
yaml_node_t *yaml_next(struct yaml_reader *y);

/* The member of a mapping; one given twice is a fault. */
yaml_node_t *yaml_get(struct yaml_reader *y, yaml_node_t *mapping, const char *key);
size_t yaml_count(yaml_node_t *sequence);
yaml_node_t *yaml_item(struct yaml_reader *y, yaml_node_t *sequence, size_t index);
/* Of a scalar. */
const char *yaml_text(yaml_node_t *node);
bool yaml_is_mapping(yaml_node_t *node);
struct import_place yaml_place(struct yaml_reader *y, yaml_node_t *node);
/* Whether the text of the scalar stands in the file as it is, from `place` on. */
bool yaml_is_verbatim(struct yaml_reader *y, yaml_node_t *node, struct import_place *place);
/* The keys of a mapping that are not among `known`, with commas; *first is the place
 * of the first. */
const char *yaml_other_keys(struct yaml_reader *y, yaml_node_t *mapping, const char *const *known,
			    struct import_place *first);

#endif

/* import.c - the door to all kinds; see import.h. */
#include "import.h"

#include <stdlib.h>
#include <string.h>

#include "entry.h"

static const char *const kind_words[IMPORT_KIND_COUNT] = {
	[IMPORT_UNKNOWN] = "unknown",
	[IMPORT_CRONTAB] = "crontab",
	[IMPORT_SYSTEM_CRONTAB] = "system-crontab",
	[IMPORT_SYSTEMD] = "systemd",
	[IMPORT_CRON_MANAGER] = "cron-manager",
	[IMPORT_KUBERNETES] = "kubernetes",
	[IMPORT_SUPERCRONIC] = "supercronic",
};

const char *import_kind_word(enum import_kind kind)
{
	return kind_words[kind];
}

bool import_kind_from_word(const char *word, enum import_kind *kind)
{
	for (int i = IMPORT_CRONTAB; i < IMPORT_KIND_COUNT; i++) {
		if (strcmp(word, kind_words[i]) != 0)
			continue;
		*kind = (enum import_kind)i;
		return true;
	}
	return false;
}

const char *import_effect_word(enum import_effect effect)
{
	static const char *const words[] = {
		[IMPORT_CARRIED] = "carried",
		[IMPORT_DIFFERS] = "differs",
		[IMPORT_LEFT] = "left",
	};

	return words[effect];
}

void import_init(struct import *im, const struct import_world *world)
{
	*im = (struct import){.world = *world};
	im->names = names_create(&im->arena);
	im->faults = arena_array(&im->arena, struct import_fault, IMPORT_FAULTS_MAX);
}

void import_finish(struct import *im)
{
	for (size_t i = 0; i < im->entry_count; i++) {
		free(im->entries[i]->notes.items);
		free(im->entries[i]);
	}
	free(im->entries);
	free(im->remarks.items);
	arena_finish(&im->arena);
	*im = (struct import){0};
}

static void translate_one(struct import *im, enum import_kind kind,
			  const struct import_source *source)
{
	switch (kind) {
	case IMPORT_CRONTAB:
	case IMPORT_SYSTEM_CRONTAB:
	case IMPORT_SUPERCRONIC: crontab_translate(im, kind, source); return;
	case IMPORT_CRON_MANAGER: cron_manager_translate(im, source); return;
	case IMPORT_KUBERNETES: kubernetes_translate(im, source); return;
	case IMPORT_SYSTEMD:
	case IMPORT_UNKNOWN:
	case IMPORT_KIND_COUNT: return;
	}
}

/* By place; those of one file are told together. */
static void sort_faults(struct import *im)
{
	for (size_t i = 1; i < im->fault_count; i++) {
		struct import_fault fault = im->faults[i];
		size_t j = i;

		while (j > 0 && im->faults[j - 1].at.file == fault.at.file &&
		       (im->faults[j - 1].at.line > fault.at.line ||
			(im->faults[j - 1].at.line == fault.at.line &&
			 im->faults[j - 1].at.column > fault.at.column))) {
			im->faults[j] = im->faults[j - 1];
			j--;
		}
		im->faults[j] = fault;
	}
}

void import_translate(struct import *im, enum import_kind kind, const struct import_source *sources,
		      size_t count, const char *only)
{
	bool ok = true;

	for (size_t i = 0; i < count; i++)
		ok &= import_check_text(im, &sources[i]);
	if (!ok)
		return;
	if (kind != IMPORT_UNKNOWN && count)
		import_remark(im, IMPORT_CARRIED, (struct import_place){sources[0].path, 0, 0},
			      "kind", "read as %s; say --from if it is another",
			      import_kind_word(kind));
	if (kind == IMPORT_SYSTEMD)
		systemd_translate(im, sources, count, only);
	else
		for (size_t i = 0; i < count; i++)
			translate_one(im, kind, &sources[i]);
	sort_faults(im);
}

size_t import_jobs(const struct import *im)
{
	return im->entry_count - import_left(im);
}

size_t import_left(const struct import *im)
{
	size_t count = 0;

	for (size_t i = 0; i < im->entry_count; i++)
		count += im->entries[i]->is_left;
	return count;
}

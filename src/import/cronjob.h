/* cronjob.h - the parts of a Kubernetes CronJob, one file each. */
#ifndef BELFRY_IMPORT_CRONJOB_H
#define BELFRY_IMPORT_CRONJOB_H

#include "pairs.h"
#include "yaml_tree.h"

struct container {
	struct yaml_reader *y;
	struct import_entry *e;
	yaml_node_t *pod, *node; /* node: the container itself */
	struct pairs env;
};

/* container.c: the pod's container as "docker", "command" and "env". False where the
 * CronJob has no result. */
bool container_translate(struct container *container);

#endif

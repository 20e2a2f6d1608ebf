/*
 * fly_native.h - from a native job to the Machine that Fly's own schedule starts. Pure.
 *
 * The config as it is sent has its own hash in its metadata: what Fly fills in by itself is
 * no difference, and what the file says otherwise is one.
 */
#ifndef BELFRY_FLY_NATIVE_H
#define BELFRY_FLY_NATIVE_H

#include "fly_order.h"

enum { FLY_HASH_MAX = 33 };

/* The config to send; a new reference. `image` is the resolved one, NULL: the config's own.
 * What was left out is added to *notes, a line each. `hash` becomes the one in it. */
json_t *fly_native_config(const struct job *job, const char *image, char hash[FLY_HASH_MAX],
			  struct buf *notes);
/* "belfry-send-reminders-1f0c2b3d": the same for the same job, app and regions, so that two
 * of them cannot be made by accident. */
const char *fly_native_name(const struct job *job, const struct fly_spec *spec,
			    char text[FLY_NAME_MAX]);

#endif

/* import_walk.h - what must hold for whatever is imported. */
#ifndef BELFRY_IMPORT_WALK_H
#define BELFRY_IMPORT_WALK_H

#include <string.h>

#include "config.h"
#include "fuzz.h"
#include "import.h"
#include "zoneinfo.h"

/* Faults have a place in the text. */
static inline void check_faults(const struct import *im, size_t size)
{
	MUST(im->fault_count <= IMPORT_FAULTS_MAX && im->fault_count <= im->faults_told);
	for (size_t i = 0; i < im->fault_count; i++) {
		const struct import_fault *fault = &im->faults[i];

		MUST(fault->message[0] && fault->at.file);
		MUST(fault->at.line <= size + 1 && fault->at.column <= size + 2);
		MUST(fault->at.line == 0 || fault->at.column > 0);
	}
}

/* A translation without faults is a file that belfry takes, job by job. */
static inline void check_result(struct import *im, struct zoneinfo *zones)
{
	struct config_world world = {.zones = zoneinfo_source(zones), .now = FUZZ_NOW};
	struct arena arena = {0};
	struct findings findings = {.arena = &arena};
	struct buf json = {0}, report = {0};
	struct err err;

	if (import_write(im, &json, &err)) {
		struct config *config =
			config_parse(buf_string(&json), json.length, &world, &findings);

		MUST(config && config->job_count == import_jobs(im));
		config_destroy(config);
	}
	import_report_text(im, &report);
	MUST(report.length > 0);
	buf_clear(&report);
	import_report_json(im, NULL, &report);
	MUST(report.data[0] == '{');
	buf_finish(&json);
	buf_finish(&report);
	arena_finish(&arena);
}

static inline void walk_import(enum import_kind kind, const struct import_source *sources,
			       size_t count)
{
	static struct zoneinfo *zones;
	struct import im;
	size_t size = 0;

	if (!zones)
		zones = zoneinfo_create(NULL);
	struct import_world world = {
		.zones = zoneinfo_source(zones), .now = FUZZ_NOW, .machine = "Europe/Paris"};
	import_init(&im, &world);
	import_translate(&im, kind, sources, count, NULL);
	for (size_t i = 0; i < count; i++)
		size += sources[i].length;
	check_faults(&im, size);
	if (im.faults_told == 0)
		check_result(&im, zones);
	import_finish(&im);
}

#endif

/* seen.c - what a turn tells people and Prometheus about; see seen.h. */
#include "seen.h"

#include "clock.h"
#include "log.h"

void seen_begin(struct daemon *daemon, struct now now)
{
	int64_t late_ms;

	absence_begin(&daemon->absence, now, clock_asleep_ms(), &late_ms);
	if (late_ms >= 0)
		metrics_stall(&daemon->metrics, late_ms);
}

/* The job whose instant is not run, while that is of interest; NULL where the file has
 * it no more. */
static const struct job *job_of(const struct daemon *daemon, const struct record *record)
{
	bool is_unrun = record->kind == RECORD_OCCURRENCE;

	return daemon->absence.is_open && is_unrun && daemon->config
		       ? config_find(daemon->config, record->occurrence.job)
		       : NULL;
}

void seen_effect(struct daemon *daemon, const struct effect *effect)
{
	const struct record *record = &effect->record;

	if (effect->kind != EFFECT_RECORD)
		return;
	absence_note(&daemon->absence, record, job_of(daemon, record));
	metrics_record(&daemon->metrics, record);
}

void seen_decided(struct daemon *daemon, struct mono now)
{
	struct record record = {.kind = RECORD_DOWNTIME};
	struct buf text = {0}, json = {0};

	if (!absence_close(&daemon->absence, &record.downtime))
		return;
	downtime_describe(&text, &record.downtime);
	downtime_json(&json, NULL, &record.downtime);
	log_event(record.downtime.counts.missed ? LOG_WARN : LOG_INFO,
		  (struct log_about){.key = "downtime", .json = buf_string(&json)}, "%s",
		  buf_string(&text));
	buf_finish(&text);
	buf_finish(&json);
	metrics_downtime(&daemon->metrics, &record.downtime);
	recorder_add(&daemon->recorder, &record, now);
}

void seen_end(struct daemon *daemon, const struct engine_wake *armed)
{
	absence_end(&daemon->absence, clock_now(), clock_asleep_ms(), armed);
}

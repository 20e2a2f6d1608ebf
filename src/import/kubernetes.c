/*
 * kubernetes.c - Kubernetes' CronJobs, as jobs in containers. What is in another kind
 * of document is passed over.
 */
#include <stdlib.h>
#include <string.h>

#include "cronjob.h"

struct cronjob {
	struct yaml_reader *y;
	struct import *im;
	struct import_entry *e;
	yaml_node_t *metadata, *spec, *job, *pod;
};

/* ---- values ---- */

/* A whole number in [0, most]; false where it is not there, or wrong, which is a fault. */
static bool number(struct cronjob *c, yaml_node_t *mapping, const char *key, int64_t most,
		   int64_t *value)
{
	yaml_node_t *node = yaml_get(c->y, mapping, key);
	const char *text = yaml_text(node);
	size_t length = text ? strspn(text, "0123456789") : 0;

	if (!node)
		return false;
	if (!text || !length || length > 15 || text[length] || strtoll(text, NULL, 10) > most)
		return import_fault(c->im, yaml_place(c->y, node), NULL,
				    "%s is a whole number from 0 to %lld", key, (long long)most);
	*value = strtoll(text, NULL, 10);
	return true;
}

static bool is_true(struct cronjob *c, yaml_node_t *mapping, const char *key)
{
	const char *text = yaml_text(yaml_get(c->y, mapping, key));

	return text && strcmp(text, "true") == 0;
}

static struct import_place place_of(struct cronjob *c, yaml_node_t *mapping, const char *key)
{
	return yaml_place(c->y, yaml_get(c->y, mapping, key));
}

/* ---- when ---- */

/* robfig/cron takes a day field as a bare star only where it is one: with a step, a day
 * that satisfies either field counts. Here a beginning star says "both". */
static const char *with_either(struct cronjob *c, const char *text)
{
	const char *fields[6], *at = text + strspn(text, " \t");
	size_t count = 0;

	for (; *at && count < 6; count++) {
		fields[count] = at;
		at += strcspn(at, " \t");
		at += strspn(at, " \t");
	}
	if (count != 5 || *fields[0] == '@' || strchr(text, '='))
		return text;
	bool day_is_stepped =
		strncmp(fields[2], "*/", 2) == 0 && strncmp(fields[2], "*/1 ", 4) != 0;
	bool week_is_stepped = strncmp(fields[4], "*/", 2) == 0 && strcmp(fields[4], "*/1") != 0;
	bool day_is_star = strchr("*?", *fields[2]) && !day_is_stepped;
	bool week_is_star = strchr("*?", *fields[4]) && !week_is_stepped;

	if ((!day_is_stepped && !week_is_stepped) || day_is_star || week_is_star)
		return text;
	return arena_format(&c->im->arena, "%.*s%s%.*s%s%s", (int)(fields[2] - text), text,
			    day_is_stepped ? "1-31" : "",
			    (int)(fields[4] - fields[2]) - day_is_stepped,
			    fields[2] + day_is_stepped, week_is_stepped ? "0-6" : "",
			    fields[4] + week_is_stepped);
}

static bool set_schedule(struct cronjob *c)
{
	yaml_node_t *node = yaml_get(c->y, c->spec, "schedule");
	yaml_node_t *zone = yaml_get(c->y, c->spec, "timeZone");
	struct import_place at = yaml_place(c->y, node);
	const char *text = yaml_text(node);

	if (!text)
		return import_fault(c->im, node ? at : c->e->at, NULL,
				    "a CronJob has spec.schedule, a text");
	bool is_verbatim = yaml_is_verbatim(c->y, node, &at);
	const char *expression = with_either(c, text);

	if (zone && !import_knows_zone(c->im, yaml_text(zone) ? yaml_text(zone) : "",
				       yaml_place(c->y, zone)))
		return false;
	if (!entry_schedule(c->e, expression, yaml_text(zone), at,
			    is_verbatim && expression == text))
		return false;
	if (zone)
		entry_carried(c->e, "time zone");
	if (strstr(text, "@every"))
		entry_tell(c->e, IMPORT_DIFFERS, at, "@every",
			   "Kubernetes counts from the run before; here it is due on the grid "
			   "of that duration since 1970");
	return true;
}

static void set_suspend(struct cronjob *c)
{
	if (!is_true(c, c->spec, "suspend"))
		return;
	entry_json(c->e, IMPORT_ENABLED, "false");
	entry_carried(c->e, "suspend");
}

static void set_deadline(struct cronjob *c)
{
	int64_t seconds;

	entry_text(c->e, IMPORT_CATCHUP, "once");
	if (number(c, c->spec, "startingDeadlineSeconds", INT64_C(366) * 86400, &seconds)) {
		entry_duration(c->e, IMPORT_CATCHUP_WINDOW, seconds * 1000);
		entry_carried(c->e, "startingDeadlineSeconds");
	} else {
		entry_text(c->e, IMPORT_CATCHUP_WINDOW, "366d");
	}
}

static void set_overlap(struct cronjob *c)
{
	yaml_node_t *node = yaml_get(c->y, c->spec, "concurrencyPolicy");
	const char *policy = node ? yaml_text(node) : "Allow";

	if (policy && strcmp(policy, "Allow") == 0)
		entry_text(c->e, IMPORT_OVERLAP, "allow");
	else if (policy && strcmp(policy, "Forbid") == 0)
		entry_text(c->e, IMPORT_OVERLAP, "forbid");
	else if (policy && strcmp(policy, "Replace") == 0)
		entry_text(c->e, IMPORT_OVERLAP, "replace");
	else
		import_fault(c->im, yaml_place(c->y, node), NULL,
			     "concurrencyPolicy is Allow, Forbid or Replace");
	entry_carried(c->e, "concurrencyPolicy");
}

/* ---- how often, how long ---- */

static void set_retry(struct cronjob *c)
{
	int64_t limit = 6;
	bool is_written = number(c, c->job, "backoffLimit", INT32_MAX, &limit);
	yaml_node_t *restart = yaml_get(c->y, c->pod, "restartPolicy");

	if (limit > 99) {
		entry_tell(c->e, IMPORT_DIFFERS, place_of(c, c->job, "backoffLimit"),
			   "backoffLimit", "%lld tries more; belfry has at most 100 in all",
			   (long long)limit);
		limit = 99;
	}
	if (limit > 0)
		entry_json(c->e, IMPORT_RETRY,
			   arena_format(&c->im->arena,
					"{\"attempts\":%lld,\"backoff\":\"10s\",\"max_backoff\":"
					"\"6m\"}",
					(long long)limit + 1));
	if (is_written)
		entry_carried(c->e, "backoffLimit");
	if (restart && yaml_text(restart) && strcmp(yaml_text(restart), "OnFailure") == 0)
		entry_tell(c->e, IMPORT_DIFFERS, yaml_place(c->y, restart), "restartPolicy",
			   "OnFailure starts the container again in its pod; here each attempt "
			   "is a container of its own");
}

static void set_times(struct cronjob *c)
{
	int64_t seconds;

	if (number(c, c->job, "activeDeadlineSeconds", INT64_C(36600) * 86400, &seconds) ||
	    number(c, c->pod, "activeDeadlineSeconds", INT64_C(36600) * 86400, &seconds)) {
		entry_duration(c->e, IMPORT_TIMEOUT, seconds * 1000);
		if (c->e->values[IMPORT_RETRY])
			entry_tell(c->e, IMPORT_DIFFERS,
				   place_of(c, c->job, "activeDeadlineSeconds"),
				   "activeDeadlineSeconds",
				   "the limit of all tries together there, of each attempt here");
		else
			entry_carried(c->e, "activeDeadlineSeconds");
	}
	if (number(c, c->pod, "terminationGracePeriodSeconds", 86400, &seconds)) {
		entry_duration(c->e, IMPORT_GRACE, seconds * 1000);
		entry_carried(c->e, "terminationGracePeriodSeconds");
	} else {
		entry_text(c->e, IMPORT_GRACE, "30s");
	}
}

static void set_history(struct cronjob *c)
{
	int64_t good = 3, bad = 1, seconds;
	bool is_written = number(c, c->spec, "successfulJobsHistoryLimit", INT32_MAX, &good);
	struct buf json = {0};

	is_written |= number(c, c->spec, "failedJobsHistoryLimit", INT32_MAX, &bad);
	bool has_age =
		number(c, c->job, "ttlSecondsAfterFinished", INT64_C(36600) * 86400, &seconds);
	if (!is_written && !has_age)
		return;
	const int64_t total = good + bad;
	buf_json_open(&json, NULL, '{');
	if (has_age)
		buf_json_int(&json, "age", seconds);
	if (is_written)
		buf_json_int(&json, "runs", total);
	buf_json_close(&json, '}');
	entry_json(c->e, IMPORT_KEEP, buf_string(&json));
	if (is_written)
		entry_tell(c->e, IMPORT_DIFFERS, c->e->at, "history limits",
			   "successful and failed runs are counted together here, %lld in all; "
			   "belfry keeps 1000 if nothing is said",
			   (long long)total);
	buf_finish(&json);
}

static void set_description(struct cronjob *c)
{
	yaml_node_t *annotations = yaml_get(c->y, c->metadata, "annotations");
	const char *text = yaml_text(yaml_get(c->y, annotations, "kubernetes.io/description"));

	if (!text)
		text = yaml_text(yaml_get(c->y, annotations, "description"));
	if (!text)
		return;
	entry_text(c->e, IMPORT_DESCRIPTION, text);
	entry_carried(c->e, "description");
}

/* ---- what is left ---- */

static void leave_others(struct cronjob *c, yaml_node_t *mapping, const char *what,
			 const char *const *known)
{
	struct import_place at = {0};
	const char *keys = yaml_other_keys(c->y, mapping, known, &at);

	if (*keys)
		entry_tell(c->e, IMPORT_LEFT, at, what, "%s: nothing like it in belfry", keys);
}

static void leave_rest(struct cronjob *c)
{
	static const char *const of_spec[] = {"schedule",
					      "timeZone",
					      "suspend",
					      "startingDeadlineSeconds",
					      "concurrencyPolicy",
					      "successfulJobsHistoryLimit",
					      "failedJobsHistoryLimit",
					      "jobTemplate",
					      NULL};
	static const char *const of_job[] = {"backoffLimit", "activeDeadlineSeconds",
					     "ttlSecondsAfterFinished", "template", NULL};
	static const char *const of_pod[] = {"containers",
					     "initContainers",
					     "volumes",
					     "restartPolicy",
					     "activeDeadlineSeconds",
					     "terminationGracePeriodSeconds",
					     NULL};

	leave_others(c, c->spec, "spec", of_spec);
	leave_others(c, c->job, "job", of_job);
	leave_others(c, c->pod, "pod", of_pod);
}

/* ---- documents ---- */

static bool translate(struct cronjob *c)
{
	struct container container = {.y = c->y, .e = c->e, .pod = c->pod};

	set_description(c);
	if (!set_schedule(c))
		return false;
	set_suspend(c);
	set_deadline(c);
	set_overlap(c);
	set_retry(c);
	set_times(c);
	set_history(c);
	if (!container_translate(&container))
		return false;
	leave_rest(c);
	return true;
}

static void take_cronjob(struct yaml_reader *y, yaml_node_t *root)
{
	struct cronjob c = {.y = y, .im = y->im};

	c.metadata = yaml_get(y, root, "metadata");
	c.spec = yaml_get(y, root, "spec");
	c.job = yaml_get(y, yaml_get(y, c.spec, "jobTemplate"), "spec");
	c.pod = yaml_get(y, yaml_get(y, c.job, "template"), "spec");
	const char *name = yaml_text(yaml_get(y, c.metadata, "name"));
	const char *space = yaml_text(yaml_get(y, c.metadata, "namespace"));
	if (!name)
		name = yaml_text(yaml_get(y, c.metadata, "generateName"));
	struct import_place at = yaml_place(y, root);
	c.e = entry_add(y->im, IMPORT_KUBERNETES, at,
			arena_format(&y->im->arena, "CronJob %s%s%s", space ? space : "",
				     space ? "/" : "", name ? name : ""));
	if (!c.e)
		return;
	if (!name || !c.pod) {
		import_fault(y->im, at, NULL,
			     name ? "a CronJob has spec.jobTemplate.spec.template.spec"
				  : "a CronJob has metadata.name");
		return;
	}
	entry_name_as(c.e, name, at);
	translate(&c);
}

static void pass_over(struct yaml_reader *y, yaml_node_t *root, const char *kind)
{
	const char *name = yaml_text(yaml_get(y, yaml_get(y, root, "metadata"), "name"));

	import_remark(y->im, IMPORT_LEFT, yaml_place(y, root), "other documents",
		      "%s %s is no CronJob", kind ? kind : "what has no kind",
		      name ? name : "(without a name)");
}

static size_t take_document(struct yaml_reader *y, yaml_node_t *root)
{
	const char *kind = yaml_text(yaml_get(y, root, "kind"));
	size_t count = 0;

	if (kind && strcmp(kind, "CronJob") == 0) {
		take_cronjob(y, root);
		return 1;
	}
	yaml_node_t *items = yaml_get(y, root, "items");
	if (!kind || !(strcmp(kind, "List") == 0 || strcmp(kind, "CronJobList") == 0)) {
		pass_over(y, root, kind);
		return 0;
	}
	for (size_t i = 0; i < yaml_count(items); i++) {
		yaml_node_t *item = yaml_item(y, items, i);
		const char *item_kind = yaml_text(yaml_get(y, item, "kind"));

		if (!item_kind || strcmp(item_kind, "CronJob") != 0) {
			pass_over(y, item, item_kind);
			continue;
		}
		take_cronjob(y, item);
		count++;
	}
	return count;
}

static void remark(struct import *im, struct import_place at)
{
	import_remark(im, IMPORT_DIFFERS, at, "container",
		      "runs of jobs with \"docker\" end as failed, \"not in this build yet\"; "
		      "the file is good all the same");
	import_remark(im, IMPORT_CARRIED, at, "time zone",
		      "CronJobs without timeZone follow the clock of the controller manager, taken "
		      "to be %s%s",
		      kind_zone(im, IMPORT_KUBERNETES),
		      im->world.timezone ? "" : "; say --tz if that is another");
	import_remark(im, IMPORT_CARRIED, at, "retries",
		      "failed pods are tried again after 10s, 20s, 40s … up to 6m, backoffLimit "
		      "times (6 if absent): kept by \"retry\"");
}

void kubernetes_translate(struct import *im, const struct import_source *source)
{
	struct import_place at = {source->path, 0, 0};
	size_t count = 0, faults = im->faults_told;
	struct yaml_reader y;
	yaml_node_t *root;

	const char *refusal = yaml_refuses(source->text);

	if (refusal) {
		import_fault(im, at, NULL, "%s", refusal);
		return;
	}
	yaml_init(&y, im, source);
	while (!im->is_full && (root = yaml_next(&y)))
		count += take_document(&y, root);
	yaml_finish(&y);
	if (count)
		remark(im, at);
	else if (im->faults_told == faults)
		import_fault(im, at, NULL, "no CronJob in it");
	if (im->faults_told > faults && strstr(source->text, "{{"))
		import_fault(im, at, NULL,
			     "{{ … }} in it may be a template: render it first, as with helm "
			     "template");
}

/*
 * exposition.h - metrics as text: OpenMetrics 1.0, or Prometheus' own format 0.0.4. Pure.
 *
 * The two differ in little: a counter's family goes without _total in OpenMetrics, an
 * info's without _info; the older format knows neither infos nor units; and OpenMetrics
 * ends with a mark, so that a text that was cut off is noticed.
 */
#ifndef BELFRY_EXPOSITION_H
#define BELFRY_EXPOSITION_H

#include "buf.h"

enum metric_type { METRIC_GAUGE, METRIC_COUNTER, METRIC_HISTOGRAM, METRIC_INFO };

struct metric_family {
	const char *name; /* without _total and _info; it ends with its unit */
	const char *unit; /* NULL: it has none */
	enum metric_type type;
	const char *help;
};

struct metric_label {
	const char *name, *value;
};

enum { HISTOGRAM_BUCKETS_MAX = 12 };
/* Upper bounds of buckets in microseconds, rising. */
struct metric_buckets {
	size_t count;
	int64_t bounds_us[HISTOGRAM_BUCKETS_MAX];
};
struct histogram {
	uint64_t counts[HISTOGRAM_BUCKETS_MAX + 1]; /* each value once; the last: beyond all */
	int64_t sum_us;
};

/* A negative value counts as 0. */
void histogram_add(struct histogram *histogram, const struct metric_buckets *buckets, int64_t us);

struct exposition {
	struct buf *out;
	bool is_openmetrics;
};

/* A family's head; its samples follow, with no other family between them. */
void exposition_family(const struct exposition *to, const struct metric_family *family);
/* Of a gauge, counter or info. */
void exposition_int(const struct exposition *to, const struct metric_family *family,
		    const struct metric_label *labels, size_t label_count, int64_t value);
/* The same, microseconds as seconds. */
void exposition_seconds(const struct exposition *to, const struct metric_family *family,
			const struct metric_label *labels, size_t label_count, int64_t us);
void exposition_histogram(const struct exposition *to, const struct metric_family *family,
			  const struct metric_label *labels, size_t label_count,
			  const struct metric_buckets *buckets, const struct histogram *histogram);
void exposition_end(const struct exposition *to);

#endif

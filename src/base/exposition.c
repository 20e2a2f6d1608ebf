/* exposition.c - metrics as text; see exposition.h. */
#include "exposition.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

void histogram_add(struct histogram *histogram, const struct metric_buckets *buckets, int64_t us)
{
	int64_t value = us < 0 ? 0 : us;
	size_t i = 0;

	assert(buckets->count <= HISTOGRAM_BUCKETS_MAX);
	while (i < buckets->count && value > buckets->bounds_us[i])
		i++;
	histogram->counts[i < buckets->count ? i : HISTOGRAM_BUCKETS_MAX]++;
	histogram->sum_us += value;
}

/* ---- pieces ---- */

/* A quote is escaped in a label's value; in a help text only OpenMetrics does so. */
static void add_escaped(struct buf *out, const char *text, bool has_quotes)
{
	for (const char *c = text; *c; c++) {
		if (*c == '\n')
			buf_text(out, "\\n");
		else if (*c == '\\' || (*c == '"' && has_quotes))
			buf_format(out, "\\%c", *c);
		else
			buf_char(out, *c);
	}
}

/* As Go writes it, which is the form that bounds must have: "0.005", "1.0". */
static void add_seconds(struct buf *out, int64_t us, bool has_point)
{
	char text[48];
	int64_t whole = us / 1000000, part = us % 1000000;

	if (part < 0)
		part = -part;
	int length = snprintf(text, sizeof(text), "%s%" PRId64 ".%06" PRId64,
			      us < 0 && whole == 0 ? "-" : "", whole, part);
	while (text[length - 1] == '0' && text[length - 2] != '.')
		length--;
	if (!has_point && text[length - 1] == '0' && text[length - 2] == '.')
		length -= 2;
	buf_add(out, text, (size_t)length);
}

static const char *suffix_of(enum metric_type type)
{
	switch (type) {
	case METRIC_COUNTER: return "_total";
	case METRIC_INFO: return "_info";
	case METRIC_GAUGE:
	case METRIC_HISTOGRAM: break;
	}
	return "";
}

static const char *word_of(const struct exposition *to, enum metric_type type)
{
	switch (type) {
	case METRIC_COUNTER: return "counter";
	case METRIC_HISTOGRAM: return "histogram";
	case METRIC_INFO: return to->is_openmetrics ? "info" : "gauge";
	case METRIC_GAUGE: break;
	}
	return "gauge";
}

/* Name, suffix and labels of a sample, up to the space before its value. bound_us -1:
 * without a bound; -2: the bound is infinity. */
enum { NO_BOUND = -1, INFINITE = -2 };
static void begin_sample(const struct exposition *to, const char *name, const char *suffix,
			 const struct metric_label *labels, size_t label_count, int64_t bound_us)
{
	const char *before = "{";

	buf_format(to->out, "%s%s", name, suffix);
	for (size_t i = 0; i < label_count; i++, before = ",") {
		buf_format(to->out, "%s%s=\"", before, labels[i].name);
		add_escaped(to->out, labels[i].value, true);
		buf_char(to->out, '"');
	}
	if (bound_us != NO_BOUND) {
		buf_format(to->out, "%sle=\"", before);
		if (bound_us == INFINITE)
			buf_text(to->out, "+Inf");
		else
			add_seconds(to->out, bound_us, true);
		buf_char(to->out, '"');
	}
	buf_text(to->out, label_count || bound_us != NO_BOUND ? "} " : " ");
}

static void end_int(const struct exposition *to, uint64_t value)
{
	buf_format(to->out, "%" PRIu64 "\n", value);
}

/* ---- what there is to write ---- */

void exposition_family(const struct exposition *to, const struct metric_family *family)
{
	const char *suffix = to->is_openmetrics ? "" : suffix_of(family->type);

	buf_format(to->out, "# HELP %s%s ", family->name, suffix);
	add_escaped(to->out, family->help, to->is_openmetrics);
	buf_format(to->out, "\n# TYPE %s%s %s\n", family->name, suffix, word_of(to, family->type));
	if (to->is_openmetrics && family->unit)
		buf_format(to->out, "# UNIT %s %s\n", family->name, family->unit);
}

void exposition_int(const struct exposition *to, const struct metric_family *family,
		    const struct metric_label *labels, size_t label_count, int64_t value)
{
	begin_sample(to, family->name, suffix_of(family->type), labels, label_count, NO_BOUND);
	buf_format(to->out, "%" PRId64 "\n", value);
}

void exposition_seconds(const struct exposition *to, const struct metric_family *family,
			const struct metric_label *labels, size_t label_count, int64_t us)
{
	begin_sample(to, family->name, suffix_of(family->type), labels, label_count, NO_BOUND);
	add_seconds(to->out, us, false);
	buf_char(to->out, '\n');
}

void exposition_histogram(const struct exposition *to, const struct metric_family *family,
			  const struct metric_label *labels, size_t label_count,
			  const struct metric_buckets *buckets, const struct histogram *histogram)
{
	uint64_t count = 0;

	for (size_t i = 0; i < buckets->count; i++) {
		count += histogram->counts[i];
		begin_sample(to, family->name, "_bucket", labels, label_count,
			     buckets->bounds_us[i]);
		end_int(to, count);
	}
	count += histogram->counts[HISTOGRAM_BUCKETS_MAX];
	begin_sample(to, family->name, "_bucket", labels, label_count, INFINITE);
	end_int(to, count);
	begin_sample(to, family->name, "_sum", labels, label_count, NO_BOUND);
	add_seconds(to->out, histogram->sum_us, false);
	buf_char(to->out, '\n');
	begin_sample(to, family->name, "_count", labels, label_count, NO_BOUND);
	end_int(to, count);
}

void exposition_end(const struct exposition *to)
{
	if (to->is_openmetrics)
		buf_text(to->out, "# EOF\n");
}

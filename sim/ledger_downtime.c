/*
 * ledger_downtime.c - what is told of the time between two lives is what was recorded
 * for it: every due instant of it, once, before anything else is decided.
 */
#include "ledger.h"
#include "nodes.h"
#include "world.h"

static struct {
	bool has_past; /* this life is not the first, and has not told of the one before: */
	struct utc left_at;
} books;

void ledger_downtime_create(void)
{
	books.has_past = false;
	books.left_at = UTC_NONE;
}

void ledger_downtime_life_begins(bool has_past)
{
	books.has_past = has_past;
}

static void add(struct downtime_counts *counts, const struct record *record, struct utc until)
{
	const struct occurrence *occurrence = &record->occurrence;

	if (record->kind == RECORD_CLAIM && utc_is_set(record->run.scheduled_at) &&
	    record->run.scheduled_at.ms < until.ms)
		counts->caught_up++;
	if (record->kind != RECORD_OCCURRENCE || occurrence->scheduled_at.ms >= until.ms)
		return;
	*(occurrence->state == OCCURRENCE_MISSED ? &counts->missed : &counts->skipped) +=
		occurrence->count;
	if (occurrence->state == OCCURRENCE_MISSED && occurrence->reason == REASON_DOWN)
		counts->too_old += occurrence->count; /* or for another reason of the catch-up */
}

static void check(const struct downtime *told, const struct downtime_counts *found)
{
	const struct downtime_counts *counts = &told->counts;
	bool is_known = utc_is_set(books.left_at);

	if (counts->caught_up != found->caught_up || counts->skipped != found->skipped ||
	    counts->missed != found->missed)
		world_broken("a downtime is told with %lld caught up, %lld skipped, %lld missed; "
			     "recorded are %lld, %lld, %lld",
			     (long long)counts->caught_up, (long long)counts->skipped,
			     (long long)counts->missed, (long long)found->caught_up,
			     (long long)found->skipped, (long long)found->missed);
	else if (counts->too_old + counts->superseded + counts->not_wanted != found->too_old)
		world_broken("it is not told why each instant was missed");
	else if (told->is_exact != is_known ||
		 (is_known && told->since.ms != utc_min(books.left_at, told->until).ms))
		world_broken("a downtime does not begin where the life before has ended");
}

static bool decides(const struct record *record)
{
	return record->kind == RECORD_CLAIM || record->kind == RECORD_OCCURRENCE;
}

void ledger_downtime_commit(const struct record *records, size_t count)
{
	struct downtime_counts found = {0};
	bool is_decided = false;

	if (nodes_are_several()) /* who was down is no question of one life */
		return;

	for (size_t i = 0; i < count; i++) {
		const struct record *record = &records[i];

		is_decided |= decides(record);
		if (record->kind == RECORD_LEFT)
			books.left_at = record->left_at;
		if (record->kind != RECORD_DOWNTIME || record->downtime.kind != ABSENCE_DOWN)
			continue;
		for (size_t j = 0; j < i; j++)
			add(&found, &records[j], record->downtime.until);
		check(&record->downtime, &found);
		books.has_past = false;
		books.left_at = UTC_NONE;
	}
	if (books.has_past && is_decided)
		world_broken("what fell due between two lives is decided, and not told");
}

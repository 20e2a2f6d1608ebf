/* words.c - the words of every enum, from the lists in words.h. */
#include "words.h"

#include <assert.h>
#include <string.h>

#define WORD_ROW(name, word) [name] = word,
#define WORDS_OF(type, prefix, rows)                                                               \
	static const char *const type##_words[] = {rows(WORD_ROW)};                                \
	const char *type##_word(enum type value)                                                   \
	{                                                                                          \
		assert((unsigned)value < prefix##_COUNT);                                          \
		return type##_words[value];                                                        \
	}                                                                                          \
	bool type##_from_word(const char *word, enum type *value)                                  \
	{                                                                                          \
		for (unsigned i = 0; i < prefix##_COUNT; i++) {                                    \
			if (strcmp(type##_words[i], word) == 0) {                                  \
				*value = (enum type)i;                                             \
				return true;                                                       \
			}                                                                          \
		}                                                                                  \
		return false;                                                                      \
	}

WORDS_OF(run_state, RUN_STATE, RUN_STATES)
WORDS_OF(outcome, OUTCOME, OUTCOMES)
WORDS_OF(trigger, TRIGGER, TRIGGERS)
WORDS_OF(occurrence_state, OCCURRENCE_STATE, OCCURRENCE_STATES)
WORDS_OF(reason, REASON, REASONS)
WORDS_OF(executor_kind, EXECUTOR_KIND, EXECUTORS)
WORDS_OF(stream, STREAM, STREAMS)
WORDS_OF(scope, SCOPE, SCOPES)
WORDS_OF(absence, ABSENCE, ABSENCES)
WORDS_OF(overlap, OVERLAP, OVERLAPS)
WORDS_OF(catchup, CATCHUP, CATCHUPS)
WORDS_OF(plan_kind, PLAN_KIND, PLAN_KINDS)

/*
 * letter.h - what a job has decided to send, before anything is sent.
 */
#ifndef KAIWA_LETTER_H
#define KAIWA_LETTER_H

#include <stddef.h>
#include <stdint.h>

/* (kind, person, key) is the identity: of two letters that share it only one is
 * ever sent. All texts but `kind` are owned. */
struct letter {
	const char *kind; /* "reminder", "welcome", "founder-summary", "digest" */
	char *person;     /* a user's id, or a founder's address */
	char *key;        /* which one of its kind */
	char *from;       /* NULL: the usual sender */
	char *to;
	char *subject;
	char *body;
	int64_t covers; /* founder-summary: the last user told of */
};

struct letters {
	struct letter *items;
	size_t count, capacity;
};

/* Takes over the texts. */
void letters_add(struct letters *letters, struct letter letter);
void letters_finish(struct letters *letters);

#endif

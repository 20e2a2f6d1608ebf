/* descriptors.h - how many files a process may have open (RLIMIT_NOFILE). */
#ifndef BELFRY_DESCRIPTORS_H
#define BELFRY_DESCRIPTORS_H

/* Raises the soft limit to the hard one, for us alone; how many there are then. */
long descriptors_raise(void);
/* For a program that is about to be started: what we were given ourselves. Followed by
 * descriptors_raise. */
void descriptors_hand_on(void);

#endif

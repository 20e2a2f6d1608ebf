/* words.h - English names of months, days and counts, used to read and to explain. */
#ifndef BELFRY_WORDS_H
#define BELFRY_WORDS_H

extern const char *const word_weekdays[7]; /* "Sunday" first */
extern const char *const word_months[13];  /* from 1 */
extern const char *const word_nth[6];      /* "first" … "fifth", "last" */

#endif

/* words.c - English names; see words.h. */
#include "words.h"

const char *const word_weekdays[7] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
				      "Thursday", "Friday", "Saturday"};
const char *const word_months[13] = {"",        "January",  "February", "March",  "April",
				     "May",     "June",     "July",     "August", "September",
				     "October", "November", "December"};
const char *const word_nth[6] = {"first", "second", "third", "fourth", "fifth", "last"};

/* dispatch.h - from the words of the command line to the verb. */
#ifndef BELFRY_DISPATCH_H
#define BELFRY_DISPATCH_H

#include <stddef.h>

/* argv[0] is the program. Returns its exit code. */
int dispatch(size_t argc, const char **argv);

#endif

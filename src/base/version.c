/* version.c - which belfry this is; see version.h. */
#include "version.h"

const char version_text[] = BELFRY_VERSION;
const int version_protocol = BELFRY_PROTOCOL;

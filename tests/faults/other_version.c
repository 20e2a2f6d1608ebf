/* other_version.c - for programs that are linked as another version; see version.h. */
#include "version.h"

const char version_text[] = OTHER_VERSION;
const int version_protocol = OTHER_PROTOCOL;

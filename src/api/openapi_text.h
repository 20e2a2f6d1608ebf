/* openapi_text.h - api/openapi.yaml as JSON, made from it by the build. */
#ifndef BELFRY_OPENAPI_TEXT_H
#define BELFRY_OPENAPI_TEXT_H

#include <stddef.h>

extern const char openapi_text[];
extern const size_t openapi_text_length;

#endif

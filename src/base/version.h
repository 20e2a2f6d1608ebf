/*
 * version.h - which belfry this is.
 *
 * In a file of their own, not in the code, so that a program can be linked as another
 * version: the tests of an upgrade need two.
 */
#ifndef BELFRY_VERSION_H
#define BELFRY_VERSION_H

enum { VERSION_TEXT_MAX = 64 };

extern const char version_text[]; /* "0.1.0": digits, letters, '.', '-', '+' */
/* What belfry and its runner speak. Another number: a START is read otherwise. */
extern const int version_protocol;

#endif

/* check.h - whether this machine could carry an order out; nothing is started. */
#ifndef BELFRY_CHECK_H
#define BELFRY_CHECK_H

#include "err.h"
#include "protocol.h"

/* Errors do not tell the order's PATH where it `hides` it. */
bool check_order(const struct start_order *order, bool hides_path, struct err *err);

#endif

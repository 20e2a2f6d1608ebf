/* check.h - whether this machine could carry an order out; nothing is started. */
#ifndef BELFRY_CHECK_H
#define BELFRY_CHECK_H

#include "err.h"
#include "protocol.h"

bool check_order(const struct start_order *order, struct err *err);

#endif

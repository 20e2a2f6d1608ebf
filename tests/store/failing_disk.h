/*
 * failing_disk.h - a disk whose Nth write or sync fails, under every SQLite database
 * that is opened after failing_disk_install.
 */
#ifndef BELFRY_TESTS_STORE_FAILING_DISK_H
#define BELFRY_TESTS_STORE_FAILING_DISK_H

#include <stdbool.h>

void failing_disk_install(void);
/* From now on the Nth (from 1) write, sync or truncation fails: alone, as a fault of the
 * medium, or with all that come after it, as on a disk that is full. */
void failing_disk_arm(int nth, bool for_ever);
/* All is well again. Whether anything had failed. */
bool failing_disk_disarm(void);

#endif

/* failing_disk.c - a VFS over SQLite's own; see failing_disk.h. */
#include "failing_disk.h"

#include <assert.h>
#include <sqlite3.h>
#include <string.h>

struct file {
	sqlite3_file base;
	sqlite3_file *real; /* behind this structure */
};

static sqlite3_vfs *real_vfs;
static int countdown; /* 0: nothing fails */
static bool fails_for_ever, has_failed;

static sqlite3_file *real(sqlite3_file *file)
{
	return ((struct file *)file)->real;
}

static bool fails_now(void)
{
	if (countdown == 0 || --countdown > 0)
		return false;
	has_failed = true;
	countdown = fails_for_ever ? 1 : 0;
	return true;
}

void failing_disk_arm(int nth, bool for_ever)
{
	countdown = nth;
	fails_for_ever = for_ever;
	has_failed = false;
}

bool failing_disk_disarm(void)
{
	countdown = 0;
	return has_failed;
}

/* ---- what may fail ---- */

static int on_write(sqlite3_file *file, const void *data, int amount, sqlite3_int64 offset)
{
	if (fails_now())
		return fails_for_ever ? SQLITE_FULL : SQLITE_IOERR_WRITE;
	return real(file)->pMethods->xWrite(real(file), data, amount, offset);
}

static int on_sync(sqlite3_file *file, int flags)
{
	if (fails_now())
		return SQLITE_IOERR_FSYNC;
	return real(file)->pMethods->xSync(real(file), flags);
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	if (fails_now())
		return SQLITE_IOERR_TRUNCATE;
	return real(file)->pMethods->xTruncate(real(file), size);
}

/* ---- what only passes through ---- */

static int on_close(sqlite3_file *file)
{
	return real(file)->pMethods->xClose(real(file));
}

static int on_read(sqlite3_file *file, void *data, int amount, sqlite3_int64 offset)
{
	return real(file)->pMethods->xRead(real(file), data, amount, offset);
}

static int on_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return real(file)->pMethods->xFileSize(real(file), size);
}

static int on_lock(sqlite3_file *file, int level)
{
	return real(file)->pMethods->xLock(real(file), level);
}

static int on_unlock(sqlite3_file *file, int level)
{
	return real(file)->pMethods->xUnlock(real(file), level);
}

static int on_check_lock(sqlite3_file *file, int *is_reserved)
{
	return real(file)->pMethods->xCheckReservedLock(real(file), is_reserved);
}

static int on_control(sqlite3_file *file, int operation, void *argument)
{
	return real(file)->pMethods->xFileControl(real(file), operation, argument);
}

static int on_sector_size(sqlite3_file *file)
{
	return real(file)->pMethods->xSectorSize(real(file));
}

static int on_characteristics(sqlite3_file *file)
{
	return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static int on_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **at)
{
	return real(file)->pMethods->xShmMap(real(file), page, size, extend, at);
}

static int on_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return real(file)->pMethods->xShmLock(real(file), offset, n, flags);
}

static void on_shm_barrier(sqlite3_file *file)
{
	real(file)->pMethods->xShmBarrier(real(file));
}

static int on_shm_unmap(sqlite3_file *file, int delete_it)
{
	return real(file)->pMethods->xShmUnmap(real(file), delete_it);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2, /* up to shared memory; without mmap every write comes by here */
	.xClose = on_close,
	.xRead = on_read,
	.xWrite = on_write,
	.xTruncate = on_truncate,
	.xSync = on_sync,
	.xFileSize = on_size,
	.xLock = on_lock,
	.xUnlock = on_unlock,
	.xCheckReservedLock = on_check_lock,
	.xFileControl = on_control,
	.xSectorSize = on_sector_size,
	.xDeviceCharacteristics = on_characteristics,
	.xShmMap = on_shm_map,
	.xShmLock = on_shm_lock,
	.xShmBarrier = on_shm_barrier,
	.xShmUnmap = on_shm_unmap,
};

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	struct file *ours = (struct file *)file;
	(void)vfs;

	ours->real = (sqlite3_file *)(ours + 1);
	int code = real_vfs->xOpen(real_vfs, name, ours->real, flags, out);
	ours->base.pMethods = ours->real->pMethods ? &methods : NULL;
	return code;
}

void failing_disk_install(void)
{
	static sqlite3_vfs vfs;

	real_vfs = sqlite3_vfs_find(NULL);
	vfs = *real_vfs;
	vfs.zName = "failing";
	vfs.szOsFile = (int)sizeof(struct file) + real_vfs->szOsFile;
	vfs.xOpen = on_open;
	int code = sqlite3_vfs_register(&vfs, 1);
	assert(code == SQLITE_OK);
}

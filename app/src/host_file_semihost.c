/* SPDX-License-Identifier: Apache-2.0 */
/* Files through Arm semihosting: QEMU and debuggers answer the breakpoint. */
#include <zephyr/kernel.h>
#include <zephyr/arch/common/semihost.h>

#include "host_file.h"

/* Arm semihosting specification: SYS_EXIT with ADP_Stopped_ApplicationExit ends with status 0. */
#define SYS_EXIT         ((enum semihost_instr)0x18)
#define APPLICATION_EXIT ((void *)0x20026)

long host_open(const char *path, bool write)
{
	return semihost_open(path, write ? SEMIHOST_OPEN_WB : SEMIHOST_OPEN_RB);
}

/* SYS_READ and SYS_WRITE return how many bytes were NOT moved; Zephyr's wrappers pass that on for a part of a block. */
static long moved(enum semihost_instr operation, long file, const void *data, long bytes)
{
	long arguments[] = {file, (long)data, bytes};
	const long left = semihost_exec(operation, arguments);

	return left < 0 || left > bytes ? -1 : bytes - left;
}

long host_read(long file, void *data, long bytes)
{
	return moved(SEMIHOST_READ, file, data, bytes);
}

long host_write(long file, const void *data, long bytes)
{
	return moved(SEMIHOST_WRITE, file, data, bytes);
}

void host_close(long file)
{
	(void)semihost_close(file);
}

void host_exit(void)
{
	(void)semihost_exec(SYS_EXIT, APPLICATION_EXIT);
}

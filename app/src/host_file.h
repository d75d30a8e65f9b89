/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the machine that runs the emulator or the native image. Plain C: one side of it is compiled without Zephyr. */
#ifndef CODESIGN_APP_HOST_FILE_H
#define CODESIGN_APP_HOST_FILE_H

#include <stdbool.h>

/* A handle, or a negative number. */
long host_open(const char *path, bool write);

/* Bytes read or written; 0 at the end of the file; negative on an error. */
long host_read(long file, void *data, long bytes);
long host_write(long file, const void *data, long bytes);

void host_close(long file);

/* End the emulator or the process with status 0. */
void host_exit(void);

#endif

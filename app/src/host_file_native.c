/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the host: on native_sim this is compiled for the runner, outside of Zephyr. */
#include <stdio.h>
#include <stdlib.h>

#include "host_file.h"

static FILE *files[2];

long host_open(const char *path, bool write)
{
	files[write] = fopen(path, write ? "wb" : "rb");
	return files[write] == NULL ? -1 : write;
}

long host_read(long file, void *data, long bytes)
{
	const size_t got = fread(data, 1, (size_t)bytes, files[file]);

	return got == 0 && ferror(files[file]) ? -1 : (long)got;
}

long host_write(long file, const void *data, long bytes)
{
	return (long)fwrite(data, 1, (size_t)bytes, files[file]);
}

void host_close(long file)
{
	(void)fclose(files[file]);
}

void host_exit(void)
{
	(void)fflush(NULL);
	exit(0);
}

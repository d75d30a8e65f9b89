/* SPDX-License-Identifier: Apache-2.0 */
/* All that the runtime needs of a C library, for toolchains that come without one; libc.c has the functions. */
#ifndef CODESIGN_BARE_STRING_H
#define CODESIGN_BARE_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);

#endif

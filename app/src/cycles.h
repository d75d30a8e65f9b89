/* SPDX-License-Identifier: Apache-2.0 */
/* A cycle counter: the core's own (DWT) where there is one, else the kernel's. Differences are right across one wrap. */
#ifndef CODESIGN_APP_CYCLES_H
#define CODESIGN_APP_CYCLES_H

#include <stdint.h>

void cycles_start(void);
uint32_t cycles_now(void);

/* What the counter counts in a second. */
uint32_t cycles_hz(void);

/* "dwt" or "kernel", for the console. */
extern const char cycles_source[];

#endif

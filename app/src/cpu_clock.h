/* SPDX-License-Identifier: Apache-2.0 */
/* The core at the speed that the board card and the latency report assume. */
#ifndef CODESIGN_APP_CPU_CLOCK_H
#define CODESIGN_APP_CPU_CLOCK_H

void cpu_clock_start(void);

#endif

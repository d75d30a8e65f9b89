/* SPDX-License-Identifier: Apache-2.0 */
/* Executed instructions by SysTick, under QEMU's -icount: there time is nothing but instructions, 2^shift ns each. */
#ifndef CODESIGN_INSTRUCTION_CLOCK_H
#define CODESIGN_INSTRUCTION_CLOCK_H

#include <stdint.h>

#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)
#define CLOCK_MASK 0xFFFFFFu /* 24 bits, counting down */

static inline void clock_start(void)
{
    SYST_RVR = CLOCK_MASK;
    SYST_CVR = 0;
    SYST_CSR = 5; /* processor clock, enabled, no interrupt */
}

static inline uint32_t clock_read(void)
{
    return SYST_CVR;
}

/* Ticks between two readings, less than 2^24. */
static inline uint32_t clock_ticks(uint32_t from, uint32_t to)
{
    return (from - to) & CLOCK_MASK;
}

#endif

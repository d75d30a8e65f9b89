/* SPDX-License-Identifier: Apache-2.0 */
#include <zephyr/kernel.h>
#include <zephyr/sys/sys_io.h>

#include "cycles.h"

#ifdef CONFIG_CODESIGN_CYCLES_DWT

/* Armv7-M and Armv8-M architecture reference manuals, debug registers. */
#define DEMCR        0xE000EDFCu
#define DEMCR_TRCENA BIT(24)
#define DWT_CTRL     0xE0001000u
#define DWT_CYCCNT   0xE0001004u
#define DWT_LAR      0xE0001FB0u /* Cortex-M7: locked after reset; elsewhere ignored */
#define LAR_KEY      0xC5ACCE55u

const char cycles_source[] = "dwt";

void cycles_start(void)
{
	sys_write32(sys_read32(DEMCR) | DEMCR_TRCENA, DEMCR);
	if (IS_ENABLED(CONFIG_CPU_CORTEX_M7)) {
		sys_write32(LAR_KEY, DWT_LAR);
	}
	sys_write32(0, DWT_CYCCNT);
	sys_write32(sys_read32(DWT_CTRL) | BIT(0), DWT_CTRL);
}

uint32_t cycles_now(void)
{
	return sys_read32(DWT_CYCCNT);
}

uint32_t cycles_hz(void)
{
	return CONFIG_CODESIGN_CPU_HZ;
}

#else

const char cycles_source[] = "kernel";

void cycles_start(void)
{
}

uint32_t cycles_now(void)
{
	return k_cycle_get_32();
}

uint32_t cycles_hz(void)
{
	return sys_clock_hw_cycles_per_sec();
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu_clock.h"

#ifdef CONFIG_SOC_NRF5340_CPUAPP

#include <nrfx_clock.h>

/* After reset the nRF5340's application core runs at 64 MHz. */
void cpu_clock_start(void)
{
	(void)nrfx_clock_divider_set(NRF_CLOCK_DOMAIN_HFCLK, NRF_CLOCK_HFCLK_DIV_1);
}

#else

void cpu_clock_start(void)
{
}

#endif

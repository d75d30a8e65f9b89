/* SPDX-License-Identifier: Apache-2.0 */
/* The nRF5340's application core at the clock that the configuration says, on which the latency report rests. */
#include <nrfx_clock.h>
#include <zephyr/init.h>
#include <zephyr/kernel.h>

#include "compat.h"

/* After reset it runs at 64 MHz, half of its oscillator (nRF5340 product specification, "CLOCK", HFCLKCTRL). */
static int set_clock(START_ARGUMENTS)
{
	const nrf_clock_hfclk_div_t divider =
		IS_ENABLED(CONFIG_CODESIGN_CPU_64MHZ) ? NRF_CLOCK_HFCLK_DIV_2 : NRF_CLOCK_HFCLK_DIV_1;

	(void)nrfx_clock_divider_set(NRF_CLOCK_DOMAIN_HFCLK, divider);
	return 0;
}

SYS_INIT(set_clock, APPLICATION, 0);

/* SPDX-License-Identifier: Apache-2.0 */
/* Sections of an nRF's RAM that the linked image does not reach are switched off; a reset has them all again. */
#include <helpers/nrfx_ram_ctrl.h>
#include <zephyr/init.h>
#include <zephyr/kernel.h>
#include <zephyr/linker/linker-defs.h>

/* nRF5340 product specification, "VMC": sections of 4 KiB; nRF52840 product specification, "POWER": of 32 KiB beyond the first
 * 64.
 */
#define SECTION_BYTES (IS_ENABLED(CONFIG_SOC_SERIES_NRF53X) ? 4096u : 32768u)

#define RAM_END (CONFIG_SRAM_BASE_ADDRESS + CONFIG_SRAM_SIZE * 1024u)

#ifdef CONFIG_COMMON_LIBC_MALLOC
BUILD_ASSERT(CONFIG_COMMON_LIBC_MALLOC_ARENA_SIZE >= 0,
	     "malloc() takes all RAM that is left: set CONFIG_COMMON_LIBC_MALLOC_ARENA_SIZE");
#endif

static int switch_off(void)
{
	const uintptr_t first = ROUND_UP((uintptr_t)_image_ram_end, SECTION_BYTES);

	if (first < RAM_END) {
		nrfx_ram_ctrl_power_enable_set((const void *)first, RAM_END - first, false);
	}
	return 0;
}

SYS_INIT(switch_off, APPLICATION, 0);

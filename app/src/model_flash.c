/* SPDX-License-Identifier: Apache-2.0 */
/* The two partitions for networks in this board's flash, and `codesign model` on the shell. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zephyr/drivers/flash.h>
#include <zephyr/kernel.h>
#include <zephyr/storage/flash_map.h>

#include "block.h"
#include "console.h"
#include "line.h"
#include "model_flash.h"
#include "network.h"
#include "pipeline.h"

#define FLASH  DT_MTD_FROM_FIXED_PARTITION(DT_NODELABEL(codesign_model_a))
#define BASE   DT_REG_ADDR(DT_CHOSEN(zephyr_flash))
#define A      FIXED_PARTITION_OFFSET(codesign_model_a)
#define B      FIXED_PARTITION_OFFSET(codesign_model_b)
#define LENGTH FIXED_PARTITION_SIZE(codesign_model_a)

BUILD_ASSERT(FIXED_PARTITION_SIZE(codesign_model_b) == LENGTH, "both partitions of networks have the same size");

#ifdef CODESIGN_MODEL_LAG
#define LAG   CODESIGN_MODEL_LAG
#define HEARD CODESIGN_MODEL_HEARD
#else
#define LAG   0
#define HEARD 0
#endif

const cs_model_table *network;

static const struct device *const flash = DEVICE_DT_GET(FLASH);

static int erase(int slot)
{
	return flash_erase(flash, slot == 0 ? A : B, LENGTH);
}

static int write(int slot, uint32_t offset, const void *data, size_t size)
{
	return flash_write(flash, (slot == 0 ? A : B) + (off_t)offset, data, size);
}

/* Read from the ELF by who makes images for this firmware, so `const`, and there. */
__attribute__((used)) const struct model_slots codesign_model_slots = {
	.at = {(const uint8_t *)(BASE + A), (const uint8_t *)(BASE + B)},
	.address = {BASE + A, BASE + B},
	.size = LENGTH,
	.erase = erase,
	.write = write,
	.shape =
		{
			.sample_rate = CODESIGN_MODEL_SAMPLE_RATE,
			.channels = CODESIGN_MODEL_CHANNELS,
			.hop = CODESIGN_MODEL_HOP,
			.block = CODESIGN_MODEL_BLOCK,
			.latency = CODESIGN_MODEL_LATENCY,
			.lag = LAG,
			.heard = HEARD,
			.peak = CODESIGN_MODEL_PEAK,
			.core = CONFIG_CODESIGN_KERNEL " " CONFIG_CODESIGN_FRONT_END,
		},
	.memory = NETWORK_MEMORY_BYTES,
	.stack = CONFIG_CODESIGN_ENHANCER_STACK - MODEL_STACK_MARGIN,
};

static struct model_update update = {.slot = NO_SLOT};

bool network_find(void)
{
	const int slot = model_newest(&codesign_model_slots);

	network = slot == NO_SLOT ? NULL
				  : (const cs_model_table *)(uintptr_t)model_header(&codesign_model_slots, slot)->table;
	return network != NULL;
}

void model_flash_say(void)
{
	const int newest = model_newest(&codesign_model_slots);

	for (int slot = 0; slot < MODEL_SLOTS; slot++) {
		const enum model_state state = model_state(&codesign_model_slots, slot);
		const cs_model_image *image = model_header(&codesign_model_slots, slot);
		const bool known = state == MODEL_RUNS;

		console_model(slot == 0 ? "a" : "b", model_states[state], slot == newest, known ? image->name : "",
			      known ? image->version : "", known ? image->generation : 0);
	}
}

int model_flash_begin(void)
{
	return pipeline_running() ? -EBUSY : model_update_begin(&codesign_model_slots, &update);
}

int model_flash_write(uint32_t offset, const uint8_t *data, size_t size)
{
	return model_update_write(&codesign_model_slots, &update, offset, data, size);
}

int model_flash_finish(void)
{
	return model_update_finish(&codesign_model_slots, &update);
}

uint32_t model_flash_next(void)
{
	return update.slot == NO_SLOT ? 0 : update.next;
}

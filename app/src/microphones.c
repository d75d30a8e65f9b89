/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <zephyr/audio/dmic.h>
#include <zephyr/device.h>
#include <zephyr/kernel.h>

#include "audio.h"
#include "compat.h"
#include "i2s_rate.h"
#include "microphones.h"
#include "pdm_rate.h"

#define BLOCK_BYTES (AUDIO_BLOCK * AUDIO_SLOTS * sizeof(int16_t))

/* In flight at most: two of the DMA, one that is read, and what waits in the driver's queue. */
#define BLOCKS 6

/* Nothing for so long means that the clock stands still. */
#define PATIENCE_MS (2 * AUDIO_BLOCK_US / 1000 + 10)

/* Bits of digital microphones' clocks: what common parts take in their normal mode. */
#define CLOCK_MIN_HZ 1000000
#define CLOCK_MAX_HZ 3250000

BUILD_ASSERT(BLOCK_BYTES % 4 == 0, "the DMA moves whole words: choose another hop or stereo");
#ifdef PDM_RATE_KNOWN
BUILD_ASSERT(PDM_RATE_HZ_TIMES(1000) == I2S_RATE_HZ_TIMES(1000),
	     "microphones and I2S would not keep the same rate: give both the clock-source ACLK and the model's rate");
BUILD_ASSERT(IN_RANGE(PDM_CLOCK_HZ, CLOCK_MIN_HZ, CLOCK_MAX_HZ),
	     "no clock of 1 to 3.25 MHz gives PDM microphones the model's sample rate: see resample in docs/model-file.md");
#endif
K_MEM_SLAB_DEFINE_STATIC(blocks, BLOCK_BYTES, BLOCKS, 4);

static const struct device *const dmic = DEVICE_DT_GET(DT_ALIAS(codesign_dmic));

int microphones_open(void)
{
	struct pcm_stream_cfg stream = {
		.pcm_rate = CODESIGN_MODEL_SAMPLE_RATE,
		.pcm_width = 16,
		.block_size = BLOCK_BYTES,
		.mem_slab = &blocks,
	};
	struct dmic_cfg config = {
		.io = {
			.min_pdm_clk_freq = CLOCK_MIN_HZ,
			.max_pdm_clk_freq = CLOCK_MAX_HZ,
			.min_pdm_clk_dc = 40,
			.max_pdm_clk_dc = 60,
		},
		.streams = &stream,
		.channel = {
			.req_num_streams = 1,
			.req_num_chan = AUDIO_SLOTS,
			.req_chan_map_lo = dmic_build_channel_map(0, 0, PDM_CHAN_LEFT),
		},
	};

	if (AUDIO_SLOTS == 2) {
		config.channel.req_chan_map_lo |= dmic_build_channel_map(1, 0, PDM_CHAN_RIGHT);
	}
	return device_is_ready(dmic) ? dmic_configure(dmic, &config) : -ENODEV;
}

int microphones_start(void)
{
	microphones_stop();
	return dmic_trigger(dmic, DMIC_TRIGGER_START);
}

int microphones_read(int16_t **block)
{
	size_t size;
	void *memory;

	if (dmic_read(dmic, 0, &memory, &size, PATIENCE_MS) != 0) {
		return -EAGAIN;
	}
	*block = memory;
	return 0;
}

void microphones_drop(int16_t *block)
{
	slab_free(&blocks, block);
}

void microphones_stop(void)
{
	size_t size;
	void *memory;

	(void)dmic_trigger(dmic, DMIC_TRIGGER_STOP);
	k_sleep(K_MSEC(1)); /* the device ends in its interrupt */
	while (dmic_read(dmic, 0, &memory, &size, 0) == 0) {
		slab_free(&blocks, memory);
	}
}

uint32_t microphones_blocks_in_use(void)
{
	return k_mem_slab_num_used_get(&blocks);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* I2S in both directions at once, or out alone where microphones are the input: the device behind the devicetree alias
 * `codesign-i2s`. */
#include <errno.h>
#include <string.h>
#include <zephyr/device.h>
#include <zephyr/drivers/i2s.h>
#include <zephyr/kernel.h>

#include "audio.h"
#include "codec.h"
#include "compat.h"
#include "i2s_rate.h"
#include "i2s_streams.h"
#include "microphones.h"
#include "slots.h"

#ifdef CONFIG_CODESIGN_INPUT_DMIC
const char audio_backend[] = "dmic";
#define DIRECTION I2S_DIR_TX
#else
const char audio_backend[] = "i2s";
#define DIRECTION I2S_DIR_BOTH
#endif

/* In flight at most: two received by the DMA (three by a driver that takes each direction by itself), two queued by the driver,
 * the one being processed, the primed ones.
 */
#define BLOCKS (5 + IS_ENABLED(CONFIG_CODESIGN_I2S_EACH_DIRECTION) + CONFIG_CODESIGN_PRIMED_BLOCKS)

BUILD_ASSERT(AUDIO_BLOCK_BYTES % 4 == 0, "I2S moves whole words: choose another hop or stereo");
#ifdef I2S_RATE_KNOWN
BUILD_ASSERT(I2S_RATE_CAN_BE_MADE,
	     "no divider of this I2S's clock gives the model's sample rate: choose another clock (EXTRA_DTC_OVERLAY_FILE, "
	     "app/clocks) or model, or allow more with CONFIG_CODESIGN_RATE_ERROR_PPM");
#endif
#ifdef CONFIG_NOCACHE_MEMORY
#define BLOCK_MEMORY __nocache /* the DMA and the core see the same */
#else
#define BLOCK_MEMORY
#endif
static char __aligned(4) BLOCK_MEMORY block_memory[BLOCKS * AUDIO_BLOCK_BYTES];
static struct k_mem_slab blocks;

static const struct device *const i2s = DEVICE_DT_GET(DT_ALIAS(codesign_i2s));

int audio_open(void)
{
	const struct i2s_config config = {
		.word_size = 8 * sizeof(audio_slot),
		.channels = AUDIO_SLOTS,
		.format = I2S_FMT_DATA_FORMAT_I2S,
		.options = IS_ENABLED(CONFIG_CODESIGN_I2S_CODEC_IS_MASTER)
				   ? I2S_OPT_BIT_CLK_SLAVE | I2S_OPT_FRAME_CLK_SLAVE
				   : I2S_OPT_BIT_CLK_MASTER | I2S_OPT_FRAME_CLK_MASTER,
		.frame_clk_freq = CODESIGN_MODEL_SAMPLE_RATE,
		.mem_slab = &blocks,
		.block_size = AUDIO_BLOCK_BYTES,
		/* Two blocks and a little: nothing for so long means that the clock stands still. */
		.timeout = 2 * AUDIO_BLOCK_US / 1000 + 10,
	};

	if (!device_is_ready(i2s)) {
		return -ENODEV;
	}
	(void)k_mem_slab_init(&blocks, block_memory, AUDIO_BLOCK_BYTES, BLOCKS);
	int err = streams_configure(i2s, DIRECTION, &config);

	if (err == 0 && IS_ENABLED(CONFIG_CODESIGN_CODEC)) {
		err = codec_open(&config);
	}
	return err == 0 && IS_ENABLED(CONFIG_CODESIGN_INPUT_DMIC) ? microphones_open() : err;
}

static int prime(void)
{
	for (int n = 0; n < CONFIG_CODESIGN_PRIMED_BLOCKS; n++) {
		void *block;
		int err = k_mem_slab_alloc(&blocks, &block, K_NO_WAIT);

		if (err != 0) {
			return err;
		}
		memset(block, 0, AUDIO_BLOCK_BYTES);
		err = i2s_write(i2s, block, AUDIO_BLOCK_BYTES);
		if (err != 0) {
			slab_free(&blocks, block);
			return err;
		}
	}
	return 0;
}

int audio_start(void)
{
	/* After an error the streams accept nothing but PREPARE; otherwise it is refused, which does no harm. */
	(void)streams_trigger(i2s, DIRECTION, I2S_TRIGGER_PREPARE);

	int err = prime();

	if (err == 0 && IS_ENABLED(CONFIG_CODESIGN_INPUT_DMIC)) {
		err = microphones_start(); /* first: what they give is then never later than its deadline says */
	}
	if (err == 0) {
		err = streams_trigger(i2s, DIRECTION, I2S_TRIGGER_START);
	}
	if (err != 0) {
		audio_stop();
	} else if (IS_ENABLED(CONFIG_CODESIGN_CODEC)) {
		codec_start();
	}
	return err;
}

#ifdef CONFIG_CODESIGN_INPUT_DMIC
int audio_read(audio_slot **block)
{
	int16_t *samples;
	void *memory;
	int err = microphones_read(&samples);

	if (err != 0) {
		return err;
	}
	err = k_mem_slab_alloc(&blocks, &memory, K_NO_WAIT);
	if (err == 0) {
		*block = memory;
		samples_to_slots(samples, *block);
	}
	microphones_drop(samples);
	return err == 0 ? 0 : -EIO;
}
#else
int audio_read(audio_slot **block)
{
	size_t size;
	void *memory;
	const int err = i2s_read(i2s, &memory, &size);

	if (err == 0) {
		*block = memory;
	}
	return err == -EBUSY || err == -ENOMSG ? -EAGAIN : err;
}
#endif

int audio_write(audio_slot *block)
{
	const int err = i2s_write(i2s, block, AUDIO_BLOCK_BYTES);

	if (err != 0) {
		slab_free(&blocks, block);
		return -EIO;
	}
	return 0;
}

void audio_drop(audio_slot *block)
{
	slab_free(&blocks, block);
}

void audio_stop(void)
{
	if (IS_ENABLED(CONFIG_CODESIGN_INPUT_DMIC)) {
		microphones_stop();
	}
	(void)streams_trigger(i2s, DIRECTION, I2S_TRIGGER_DROP);
}

uint32_t audio_blocks_in_use(void)
{
	const uint32_t captured = IS_ENABLED(CONFIG_CODESIGN_INPUT_DMIC) ? microphones_blocks_in_use() : 0;

	return k_mem_slab_num_used_get(&blocks) + captured;
}

void audio_mute(void)
{
#if DT_NODE_HAS_COMPAT(I2S_NODE, nordic_nrf_i2s)
	/* nRF5340 product specification, "I2S": TASKS_STOP, then ENABLE; the pins fall to their idle state. */
	sys_write32(1, DT_REG_ADDR(I2S_NODE) + 0x004);
	sys_write32(0, DT_REG_ADDR(I2S_NODE) + 0x500);
#endif
}

uint32_t audio_rate_mhz(void)
{
#ifdef I2S_RATE_KNOWN
	return i2s_rate_mhz();
#else
	return 0;
#endif
}

bool audio_again(void)
{
	return false;
}

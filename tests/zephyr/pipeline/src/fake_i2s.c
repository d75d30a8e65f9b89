/* SPDX-License-Identifier: Apache-2.0 */
/* An I2S device in both directions: a timer plays and captures one block a hop. States, queues and errors as i2s_nrfx.c has. */
#define DT_DRV_COMPAT codesign_fake_i2s

#include <errno.h>
#include <string.h>
#include <zephyr/device.h>
#include <zephyr/drivers/i2s.h>
#include <zephyr/kernel.h>

#include "compat.h"
#include "fake_i2s.h"

#define QUEUE 4

struct fake_i2s fake;

static struct i2s_config config;
static enum i2s_state state = I2S_STATE_NOT_READY;
static void *rx_block, *tx_block;
static uint32_t noise_state = 1;

K_MSGQ_DEFINE(rx_queue, sizeof(void *), QUEUE, 4);
K_MSGQ_DEFINE(tx_queue, sizeof(void *), QUEUE, 4);

static int16_t sample(uint32_t n)
{
	switch (fake.input) {
	case FAKE_SILENCE:
		return 0;
	case FAKE_SQUARE:
		return n / (CODESIGN_MODEL_SAMPLE_RATE / 500) % 2 ? INT16_MIN : INT16_MAX;
	default:
		noise_state = noise_state * 1664525u + 1013904223u;
		return (int16_t)((int16_t)(noise_state >> 16) >> 2);
	}
}

static void fill(audio_slot *block)
{
	int16_t *copy = fake.in[fake.captured % FAKE_HISTORY];

	for (uint32_t n = 0; n < CODESIGN_MODEL_HOP; n++) {
		copy[n] = sample(fake.captured * CODESIGN_MODEL_HOP + n);
		for (int slot = 0; slot < AUDIO_SLOTS; slot++) {
			block[n * AUDIO_SLOTS + slot] = (audio_slot)((uint32_t)copy[n] << (8 * sizeof(audio_slot) - 16));
		}
	}
	fake.captured++;
}

static void record(const audio_slot *block)
{
	int16_t *copy = fake.out[fake.played % FAKE_HISTORY];

	for (uint32_t n = 0; n < CODESIGN_MODEL_HOP; n++) {
		copy[n] = (int16_t)(block[n * AUDIO_SLOTS] >> (8 * sizeof(audio_slot) - 16));
	}
	fake.played++;
}

static void halt(enum i2s_state next)
{
	state = next;
	if (rx_block != NULL) {
		slab_free(config.mem_slab, rx_block);
	}
	if (tx_block != NULL) {
		slab_free(config.mem_slab, tx_block);
	}
	rx_block = tx_block = NULL;
}

static void tick(struct k_timer *timer)
{
	void *next_rx, *next_tx;

	ARG_UNUSED(timer);
	if (state != I2S_STATE_RUNNING || fake.clock_stopped) {
		return;
	}
	record(tx_block);
	slab_free(config.mem_slab, tx_block);
	tx_block = NULL;
	fill(rx_block);
	if (k_msgq_put(&rx_queue, &rx_block, K_NO_WAIT) == 0) {
		rx_block = NULL;
	} else {
		halt(I2S_STATE_ERROR);
		return;
	}
	if (fake.rx_blocked || k_mem_slab_alloc(config.mem_slab, &next_rx, K_NO_WAIT) != 0) {
		fake.rx_blocked = false;
		halt(I2S_STATE_ERROR);
		return;
	}
	rx_block = next_rx;
	if (fake.tx_lost || k_msgq_get(&tx_queue, &next_tx, K_NO_WAIT) != 0) {
		fake.tx_lost = false;
		halt(I2S_STATE_ERROR);
		return;
	}
	tx_block = next_tx;
}

K_TIMER_DEFINE(clock, tick, NULL);

static void purge(void)
{
	void *block;

	while (k_msgq_get(&rx_queue, &block, K_NO_WAIT) == 0 || k_msgq_get(&tx_queue, &block, K_NO_WAIT) == 0) {
		slab_free(config.mem_slab, block);
	}
}

static int start(void)
{
	if (state != I2S_STATE_READY) {
		return -EIO;
	}
	if (fake.start_errors > 0) {
		fake.start_errors--;
		return -EIO;
	}
	if (k_msgq_get(&tx_queue, &tx_block, K_NO_WAIT) != 0 ||
	    k_mem_slab_alloc(config.mem_slab, &rx_block, K_NO_WAIT) != 0) {
		halt(I2S_STATE_ERROR);
		return -ENOMEM;
	}
	fake.starts++;
	state = I2S_STATE_RUNNING;
	k_timer_start(&clock, K_USEC(AUDIO_BLOCK_US), K_USEC(AUDIO_BLOCK_US));
	return 0;
}

static int trigger(const struct device *dev, enum i2s_dir dir, enum i2s_trigger_cmd command)
{
	ARG_UNUSED(dev);
	if (dir != I2S_DIR_BOTH) {
		return -ENOSYS;
	}
	switch (command) {
	case I2S_TRIGGER_START:
		return start();
	case I2S_TRIGGER_PREPARE:
		if (state != I2S_STATE_ERROR) {
			return -EIO;
		}
		/* fall through */
	case I2S_TRIGGER_DROP:
		k_timer_stop(&clock);
		halt(I2S_STATE_READY);
		purge();
		return 0;
	default:
		return -EINVAL;
	}
}

static int configure(const struct device *dev, enum i2s_dir dir, const struct i2s_config *wanted)
{
	ARG_UNUSED(dev);
	if (dir != I2S_DIR_BOTH || wanted->block_size != AUDIO_BLOCK_BYTES || wanted->channels != AUDIO_SLOTS) {
		return -EINVAL;
	}
	config = *wanted;
	state = I2S_STATE_READY;
	return 0;
}

static int read(const struct device *dev, void **block, size_t *size)
{
	ARG_UNUSED(dev);
	const int err = k_msgq_get(&rx_queue, block, state == I2S_STATE_ERROR ? K_NO_WAIT : K_MSEC(config.timeout));

	*size = config.block_size;
	return err == -ENOMSG ? -EIO : err;
}

static int write(const struct device *dev, void *block, size_t size)
{
	ARG_UNUSED(dev);
	const int err = fake.write_error;

	fake.write_error = 0;
	if (err != 0) {
		return err;
	}
	if ((state != I2S_STATE_RUNNING && state != I2S_STATE_READY) || size != config.block_size) {
		return -EIO;
	}
	return k_msgq_put(&tx_queue, &block, K_MSEC(config.timeout));
}

static int init(const struct device *dev)
{
	ARG_UNUSED(dev);
	return 0;
}

static const struct i2s_driver_api api = {.configure = configure, .read = read, .write = write, .trigger = trigger};

DEVICE_DT_INST_DEFINE(0, init, NULL, NULL, NULL, POST_KERNEL, CONFIG_KERNEL_INIT_PRIORITY_DEVICE, &api);

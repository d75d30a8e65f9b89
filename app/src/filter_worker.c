/* SPDX-License-Identifier: Apache-2.0 */
/* The filter path: the caller filters its block at once, the thread makes the next filter of each whole hop. */
#include <errno.h>
#include <string.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/atomic.h>

#include "block.h"
#include "cycles.h"
#include "monitor.h"
#include "network.h"
#include "program.h"
#include "strength.h"
#include "worker.h"

#ifdef CODESIGN_MODEL_LAG

/* What the network hears of a block: one channel at its own rate. */
#define BLOCK_HEARD (AUDIO_BLOCK / CODESIGN_MODEL_RESAMPLE)

static uint8_t memory[NETWORK_MEMORY_BYTES] __aligned(8);
static int16_t heard[CODESIGN_MODEL_HEARD], job[CODESIGN_MODEL_HEARD], played[AUDIO_BLOCK * CODESIGN_MODEL_CHANNELS];
static uint32_t position; /* samples of this hop that were heard */
static atomic_t busy, frames, skipped;

static K_SEM_DEFINE(go, 0, 1);
static K_SEM_DEFINE(done, 0, 1);

/* A function of its own: emulators look for its address. */
__attribute__((noinline)) static int network_frame(void)
{
	return codesign_update(memory, job);
}

static void work(void *a, void *b, void *c)
{
	ARG_UNUSED(a);
	ARG_UNUSED(b);
	ARG_UNUSED(c);

	for (;;) {
		(void)k_sem_take(&go, K_FOREVER);
		const uint32_t start = cycles_now();

		if (!network_frame()) {
			atomic_inc(&skipped);
		}
		monitor_frame(cycles_now() - start);
		atomic_inc(&frames);
		atomic_clear(&busy);
		k_sem_give(&done);
	}
}

K_THREAD_DEFINE(enhancer, CONFIG_CODESIGN_ENHANCER_STACK, work, NULL, NULL, NULL, CONFIG_CODESIGN_ENHANCER_PRIORITY, 0, 0);

int worker_reset(void)
{
	while (atomic_get(&busy) != 0) {
		(void)k_sem_take(&done, K_FOREVER);
	}
	position = 0;
	atomic_clear(&frames);
	atomic_clear(&skipped);
	if (network_init(memory, sizeof(memory)) != CS_OK) {
		return -EINVAL;
	}
	return strength_start(memory);
}

/* A hop for the network. One that comes while it is still at an earlier hop is not heard: the filter is held. */
static void hand_over(void)
{
	if (atomic_get(&busy) != 0) {
		return;
	}
	memcpy(job, heard, sizeof(job));
	(void)k_sem_take(&done, K_NO_WAIT); /* of a job that nobody waited for */
	atomic_set(&busy, 1);
	k_sem_give(&go);
	if (!IS_ENABLED(CONFIG_CODESIGN_AUDIO_I2S)) { /* files do not come by the clock: the time that the network has */
		(void)k_sem_take(&done, K_USEC(WORKER_DEADLINE_US));
	}
}

enum worker_result worker_process(const int16_t *in, const int16_t **out, k_timeout_t limit)
{
	ARG_UNUSED(limit);
	codesign_play(memory, in, played, heard + position, AUDIO_BLOCK);
	position += BLOCK_HEARD;
	if (position == CODESIGN_MODEL_HEARD) {
		position = 0;
		hand_over();
	}
	*out = worker_one_channel(played, AUDIO_BLOCK);
	return WORKER_DONE;
}

uint32_t worker_frames(void)
{
	return (uint32_t)atomic_get(&frames);
}

uint32_t worker_skipped(void)
{
	return (uint32_t)atomic_get(&skipped);
}

uint32_t worker_held(void)
{
	return codesign_held(memory);
}

int worker_strength(int percent)
{
	return strength_set(memory, percent);
}

int worker_program(int program)
{
	return program_set(memory, program);
}

#endif

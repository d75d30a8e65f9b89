/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/atomic.h>

#include "audio.h"
#include "confirm.h"
#include "cycles.h"
#include "monitor.h"
#include "network.h"
#include "output.h"
#include "pipeline.h"
#include "safety.h"
#include "slots.h"
#include "worker.h"

#define DEADLINE K_USEC((uint64_t)AUDIO_BLOCK_US * CONFIG_CODESIGN_DEADLINE_PERCENT / 100)
#define BLOCK_TIME K_USEC(AUDIO_BLOCK_US)
#define SETTLED_BLOCKS (SAFETY_SETTLED_SECONDS * 1000000u / AUDIO_BLOCK_US)

static struct output output;
static int16_t pcm[AUDIO_BLOCK * CODESIGN_MODEL_CHANNELS];
static atomic_t running, bypass, gain_db;
static int start_error;
static bool without_network; /* what it faulted at several times in a row is still there */
static uint32_t blocks_since_start;

static K_SEM_DEFINE(start_asked, 0, 1);
static K_SEM_DEFINE(started, 0, 1);
static K_SEM_DEFINE(stopped, 0, 1);
static K_SEM_DEFINE(ended, 0, 1);
static K_MUTEX_DEFINE(control); /* start and stop come from main and from the shell */

static enum monitor_event outcome(enum worker_result result, bool bypassed)
{
	switch (result) {
	case WORKER_LATE:
		return MONITOR_LATE;
	case WORKER_BUSY:
		return MONITOR_BUSY;
	default:
		return bypassed ? MONITOR_BYPASSED : MONITOR_ENHANCED;
	}
}

static enum worker_result enhance(const int16_t **enhanced)
{
	*enhanced = NULL;
	return without_network ? WORKER_DONE : worker_process(pcm, enhanced, DEADLINE);
}

/* One block from capture to playback. 0; -ENODATA at the end; -EIO or -EAGAIN when the stream needs a new start. */
static int process_block(void)
{
	audio_slot *block;
	int err = audio_read(&block);

	if (err != 0) {
		if (err != -ENODATA) {
			monitor_count(err == -EAGAIN ? MONITOR_STALL : MONITOR_OVERRUN);
		}
		return err;
	}
	const uint32_t arrived = cycles_now();

	monitor_captured();
	slots_to_pcm(block, pcm);
	output_push(&output, pcm);

	const int16_t *enhanced;
	const enum worker_result result = enhance(&enhanced);
	const bool bypassed = atomic_get(&bypass) != 0 || without_network;

	output_gain(&output, (int)atomic_get(&gain_db));
	pcm_to_slots(output_render(&output, enhanced, bypassed, pcm), block);
	monitor_count(outcome(result, bypassed));

	if (++blocks_since_start == SETTLED_BLOCKS) {
		safety_settled();
		if (!without_network) {
			confirm_image();
		}
	}
	err = audio_write(block);
	monitor_block(cycles_now() - arrived);
	if (err != 0) {
		monitor_count(MONITOR_UNPLAYED);
		monitor_count(MONITOR_UNDERRUN);
	}
	return err;
}

/* Until the stream runs again or nobody wants it any more: a codec may be gone for a while. */
static void restart_stream(void)
{
	while (atomic_get(&running) && audio_start() != 0) {
		safety_alive();
		(void)k_sleep(BLOCK_TIME);
	}
	if (atomic_get(&running)) {
		monitor_count(MONITOR_RESTART);
	}
}

static int start_stream(void)
{
	const bool found = network_find();
	int err = audio_await();

	if (err == 0 && found) {
		err = worker_reset();
	}
	output_reset(&output);
	without_network = !found || safety_read().in_a_row >= SAFETY_FAULTS_IN_A_ROW;
	blocks_since_start = 0;
	return err == 0 ? audio_start() : err;
}

static void run_audio(void *a, void *b, void *c)
{
	ARG_UNUSED(a);
	ARG_UNUSED(b);
	ARG_UNUSED(c);

	for (;;) {
		while (k_sem_take(&start_asked, SAFETY_PATIENCE) != 0) {
			safety_alive();
		}
		/* Of an earlier run. A reset would wake who waits for this one. */
		(void)k_sem_take(&stopped, K_NO_WAIT);
		(void)k_sem_take(&ended, K_NO_WAIT);
		start_error = start_stream();
		atomic_set(&running, start_error == 0);
		k_sem_give(&started);
		while (atomic_get(&running)) {
			const int err = process_block();

			safety_alive();
			if (err == -ENODATA) {
				atomic_clear(&running);
				k_sem_give(&ended);
			} else if (err != 0) {
				restart_stream();
			}
		}
		audio_stop();
		k_sem_give(&stopped);
	}
}

/* Above the enhancer: the deadline is kept by whoever waits for it. */
BUILD_ASSERT(CONFIG_CODESIGN_AUDIO_PRIORITY < CONFIG_CODESIGN_ENHANCER_PRIORITY,
	     "CODESIGN_AUDIO_PRIORITY must be more urgent (less) than CODESIGN_ENHANCER_PRIORITY");
K_THREAD_DEFINE(audio, CONFIG_CODESIGN_AUDIO_STACK, run_audio, NULL, NULL, NULL, CONFIG_CODESIGN_AUDIO_PRIORITY, 0, 0);

int pipeline_open(void)
{
	return audio_open();
}

bool pipeline_running(void)
{
	return atomic_get(&running) != 0;
}

int pipeline_start(void)
{
	int err = -EALREADY;

	(void)k_mutex_lock(&control, K_FOREVER);
	if (!pipeline_running()) {
		k_sem_give(&start_asked);
		(void)k_sem_take(&started, K_FOREVER);
		err = start_error;
	}
	k_mutex_unlock(&control);
	return err;
}

int pipeline_stop(void)
{
	int err = -EALREADY;

	(void)k_mutex_lock(&control, K_FOREVER);
	if (atomic_clear(&running) != 0) {
		err = k_sem_take(&stopped, K_FOREVER);
	}
	k_mutex_unlock(&control);
	return err;
}

void pipeline_bypass(bool on)
{
	atomic_set(&bypass, on);
}

bool pipeline_bypassed(void)
{
	return atomic_get(&bypass) != 0;
}

int pipeline_gain(int decibels)
{
	if (decibels < OUTPUT_GAIN_MIN_DB || decibels > OUTPUT_GAIN_MAX_DB) {
		return -EINVAL;
	}
	atomic_set(&gain_db, decibels);
	return 0;
}

int pipeline_wait(k_timeout_t timeout)
{
	return k_sem_take(&ended, timeout) == 0 ? 0 : -EAGAIN;
}

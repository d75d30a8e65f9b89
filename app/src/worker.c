/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <zephyr/kernel.h>

#include "cycles.h"
#include "monitor.h"
#include "network.h"
#include "program.h"
#include "strength.h"
#include "worker.h"

#ifndef CODESIGN_MODEL_LAG

static uint8_t memory[NETWORK_MEMORY_BYTES] __aligned(8);
static int16_t job_in[CODESIGN_MODEL_HOP * CODESIGN_MODEL_CHANNELS], job_out[CODESIGN_MODEL_HOP * CODESIGN_MODEL_CHANNELS];
static bool busy; /* touched by the caller of worker_process() only */

static K_SEM_DEFINE(go, 0, 1);
static K_SEM_DEFINE(done, 0, 1);

/* A function of its own: emulators look for its address where the enhancer is in another image. */
__attribute__((noinline)) static void network_frame(void)
{
	(void)network_process(memory, job_in, job_out);
}

static void work(void *a, void *b, void *c)
{
	ARG_UNUSED(a);
	ARG_UNUSED(b);
	ARG_UNUSED(c);

	for (;;) {
		(void)k_sem_take(&go, K_FOREVER);
		const uint32_t start = cycles_now();

		network_frame();
		monitor_frame(cycles_now() - start);
		k_sem_give(&done);
	}
}

K_THREAD_DEFINE(enhancer, CONFIG_CODESIGN_ENHANCER_STACK, work, NULL, NULL, NULL, CONFIG_CODESIGN_ENHANCER_PRIORITY, 0, 0);

int worker_reset(void)
{
	if (busy) {
		(void)k_sem_take(&done, K_FOREVER);
		busy = false;
	}
	if (network_init(memory, sizeof(memory)) != CS_OK) {
		return -EINVAL;
	}
	return strength_start(memory);
}

enum worker_result worker_process(const int16_t *in, const int16_t **out, k_timeout_t limit)
{
	*out = NULL;
	if (busy && k_sem_take(&done, K_NO_WAIT) != 0) {
		return WORKER_BUSY;
	}
	memcpy(job_in, in, sizeof(job_in));
	k_sem_give(&go);
	busy = k_sem_take(&done, limit) != 0;
	if (busy) {
		return WORKER_LATE;
	}
	*out = worker_one_channel(job_out, CODESIGN_MODEL_HOP);
	return WORKER_DONE;
}

uint32_t worker_frames(void)
{
	return network_frames(memory);
}

uint32_t worker_skipped(void)
{
	return network_skipped(memory);
}

uint32_t worker_held(void)
{
	return 0;
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

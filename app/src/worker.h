/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that runs the enhancer, one hop a job. A job that takes too long goes on while the audio goes its way.
 *
 * worker.c waits for a hop's job; filter_worker.c filters every block at once, by the filter path, and its job makes the next
 * filter: the model decides which of them it is. */
#ifndef CODESIGN_APP_WORKER_H
#define CODESIGN_APP_WORKER_H

#include <stddef.h>
#include <stdint.h>
#include <zephyr/kernel.h>

#include "codesign_model.h"

/* What a job may take. */
#ifdef CODESIGN_MODEL_LAG
#define WORKER_DEADLINE_US ((uint32_t)(CODESIGN_MODEL_LAG * 1000000ull / CODESIGN_MODEL_SAMPLE_RATE))
#else
#define WORKER_DEADLINE_US ((uint32_t)(CODESIGN_MODEL_HOP * 1000000ull / CODESIGN_MODEL_SAMPLE_RATE))
#endif

enum worker_result {
	WORKER_DONE, /* the enhanced hop is there */
	WORKER_LATE, /* not done in time: the result will be thrown away */
	WORKER_BUSY, /* still at an earlier hop: this one was not taken */
};

/* The enhanced sound, which is in every channel: the first of each n frames, in their place. */
static inline const int16_t *worker_one_channel(int16_t *frames, size_t n)
{
	for (size_t i = 1; CODESIGN_MODEL_CHANNELS > 1 && i < n; i++) {
		frames[i] = frames[i * CODESIGN_MODEL_CHANNELS];
	}
	return frames;
}

/* Bring the enhancer into its initial state, after the job under way if there is one. 0 or a negative errno. */
int worker_reset(void);

/* Enhance one block within `limit`; *out then is the enhanced block until the next call, else NULL. Call from one thread. */
enum worker_result worker_process(const int16_t *in, const int16_t **out, k_timeout_t limit);

/* Hops since the reset, and how many of them a skip gate skipped. */
uint32_t worker_frames(void);
uint32_t worker_skipped(void);

/* Hops for which the filter path went on with its filter, because the job was late or busy: the sound is not. */
uint32_t worker_held(void);

/* How much is done to the sound, 0 ... 100 %. -ENOTSUP where the model's chain has no strength, -EINVAL for no percent. */
int worker_strength(int percent);

/* Which of the chain's programs is heard, 0 for its own settings. -ENOTSUP where it has none beside, -EINVAL where none is so
 * called. */
int worker_program(int program);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that runs the enhancer, one hop a job. A job that takes too long goes on while the audio goes its way. */
#ifndef CODESIGN_APP_WORKER_H
#define CODESIGN_APP_WORKER_H

#include <stdint.h>
#include <zephyr/kernel.h>

enum worker_result {
	WORKER_DONE, /* the enhanced hop is there */
	WORKER_LATE, /* not done in time: the result will be thrown away */
	WORKER_BUSY, /* still at an earlier hop: this one was not taken */
};

/* Bring the enhancer into its initial state, after the job under way if there is one. 0 or a negative errno. */
int worker_reset(void);

/* Enhance one hop within `limit`; *out then is the enhanced hop until the next call, else NULL. Call from one thread. */
enum worker_result worker_process(const int16_t *in, const int16_t **out, k_timeout_t limit);

/* Hops since the reset, and how many of them a skip gate skipped. */
uint32_t worker_frames(void);
uint32_t worker_skipped(void);

#endif

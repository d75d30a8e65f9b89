/* SPDX-License-Identifier: Apache-2.0 */
/* What the test tells the fake I2S device, and what it saw. */
#ifndef CODESIGN_TEST_FAKE_I2S_H
#define CODESIGN_TEST_FAKE_I2S_H

#include <stdbool.h>
#include <stdint.h>

#include "audio.h"

#define FAKE_HISTORY 64 /* blocks that are kept, the latest */

enum fake_input {
	FAKE_NOISE,
	FAKE_SILENCE,
	FAKE_SQUARE, /* full scale, 250 Hz */
};

struct fake_i2s {
	enum fake_input input;
	int write_error;   /* what the next i2s_write() returns, once */
	int start_errors;  /* how many starts fail */
	bool clock_stopped; /* no blocks come or go */
	bool tx_lost;      /* the next block to play is missing: underrun, once */
	bool rx_blocked;   /* the next free block is missing: overrun, once */

	uint32_t captured; /* blocks that the device took in since the start of the test */
	uint32_t played;   /* blocks that it put out, the primed silence included */
	uint32_t starts;
	int16_t in[FAKE_HISTORY][CODESIGN_MODEL_HOP];  /* block n at n % FAKE_HISTORY */
	int16_t out[FAKE_HISTORY][CODESIGN_MODEL_HOP];
};

extern struct fake_i2s fake;

#endif

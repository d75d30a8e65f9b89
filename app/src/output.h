/* SPDX-License-Identifier: Apache-2.0 */
/* The last stage before playback: the dry signal on the enhancer's time, a click-free way between dry and enhanced, and
 * gain. */
#ifndef CODESIGN_APP_OUTPUT_H
#define CODESIGN_APP_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "block.h"

/* The block that is played and what the enhancer is late, to the sample: no whole number of blocks where a hop does not divide
 * the window, or a block what a filter is late. */
#define OUTPUT_DELAY_SAMPLES (CODESIGN_MODEL_LATENCY + AUDIO_BLOCK)

#define OUTPUT_GAIN_MIN_DB (-40)
#define OUTPUT_GAIN_MAX_DB 20

struct output {
	int16_t delay[OUTPUT_DELAY_SAMPLES]; /* the latest input, a ring */
	uint32_t oldest; /* sample of the ring that the next block begins with */
	bool enhanced; /* what the last block ended with */
	int decibels;
	int32_t gain; /* of these decibels, Q12 */
};

void output_reset(struct output *state);

/* Whole dB, OUTPUT_GAIN_MIN_DB ... OUTPUT_GAIN_MAX_DB. 0 dB leaves every sample as it is. */
void output_gain(struct output *state, int decibels);

/* Take a block of input, of two microphones the front one; the oldest one of the delay line is then what the enhancer's output
 * belongs to. */
void output_push(struct output *state, const int16_t *pcm);

/* The block to play, in `scratch` or where it is already: `enhanced`, or the delayed input where that is NULL. A change back to
 * enhanced, or to the input while there still is an enhanced signal (`leaving`), is a cross-fade over the block; losing the
 * signal is not.
 */
const int16_t *output_render(struct output *state, const int16_t *enhanced, bool leaving, int16_t *scratch);

#endif

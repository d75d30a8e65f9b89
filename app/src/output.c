/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <zephyr/sys/util.h>

#include "output.h"

#define BLOCK  AUDIO_BLOCK
#define UNITY  4096
#define ONE_DB 1.1220184543f /* 10^(1/20) */

void output_reset(struct output *state)
{
	*state = (struct output){.enhanced = true, .gain = UNITY};
}

void output_gain(struct output *state, int decibels)
{
	if (decibels == state->decibels) {
		return;
	}
	float gain = UNITY;

	for (int n = 0; n < decibels; n++) {
		gain *= ONE_DB;
	}
	for (int n = 0; n > decibels; n--) {
		gain /= ONE_DB;
	}
	state->gain = (int32_t)(gain + 0.5f);
	state->decibels = decibels;
}

/* Samples of a block at `oldest` that lie before the end of the ring; the others lie at its beginning. */
static uint32_t before_the_end(const struct output *state)
{
	return MIN(OUTPUT_DELAY_SAMPLES - state->oldest, (uint32_t)BLOCK);
}

void output_push(struct output *state, const int16_t *pcm)
{
	const uint32_t first = before_the_end(state);

#if CODESIGN_MODEL_CHANNELS == 1
	memcpy(state->delay + state->oldest, pcm, first * sizeof(*pcm));
	memcpy(state->delay, pcm + first, (BLOCK - first) * sizeof(*pcm));
#else
	for (uint32_t n = 0; n < BLOCK; n++) {
		state->delay[n < first ? state->oldest + n : n - first] = pcm[n * CODESIGN_MODEL_CHANNELS];
	}
#endif
	state->oldest = (state->oldest + BLOCK) % OUTPUT_DELAY_SAMPLES;
}

static const int16_t *delayed(const struct output *state, int16_t *pcm)
{
	const uint32_t first = before_the_end(state);

	memcpy(pcm, state->delay + state->oldest, first * sizeof(*pcm));
	memcpy(pcm + first, state->delay, (BLOCK - first) * sizeof(*pcm));
	return pcm;
}

static const int16_t *cross_fade(const int16_t *from, const int16_t *to, int16_t *pcm)
{
	for (int32_t n = 0; n < BLOCK; n++) {
		pcm[n] = (int16_t)(from[n] + (to[n] - from[n]) * (n + 1) / BLOCK);
	}
	return pcm;
}

static const int16_t *amplify(int32_t gain, const int16_t *from, int16_t *pcm)
{
	for (int32_t n = 0; n < BLOCK; n++) {
		pcm[n] = (int16_t)CLAMP((from[n] * gain + UNITY / 2) >> 12, INT16_MIN, INT16_MAX);
	}
	return pcm;
}

const int16_t *output_render(struct output *state, const int16_t *enhanced, bool leaving, int16_t *scratch)
{
	const bool to_enhanced = enhanced != NULL && !leaving;
	const bool changes = enhanced != NULL && to_enhanced != state->enhanced;
	const int16_t *dry = changes || !to_enhanced ? delayed(state, scratch) : NULL;
	const int16_t *played = to_enhanced ? enhanced : dry;

	if (changes) {
		played = cross_fade(to_enhanced ? dry : enhanced, played, scratch);
	}
	state->enhanced = to_enhanced;
	return state->gain == UNITY ? played : amplify(state->gain, played, scratch);
}

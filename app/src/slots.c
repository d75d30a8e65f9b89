/* SPDX-License-Identifier: Apache-2.0 */
#include <zephyr/sys/util.h>

#include "slots.h"

#define PEAK MIN(CONFIG_CODESIGN_OUTPUT_PEAK, CODESIGN_MODEL_PEAK)

const struct audio_format audio_format = {
	.slots_in = AUDIO_SLOTS,
	.bits_in = IS_ENABLED(CONFIG_CODESIGN_INPUT_DMIC) ? 16 : 8 * sizeof(audio_slot),
	.slots_out = AUDIO_SLOTS,
	.bits_out = 8 * sizeof(audio_slot),
	.chosen = IS_ENABLED(CONFIG_CODESIGN_INPUT_RIGHT) ? 1 : 0,
};

static int16_t to_16(audio_slot slot)
{
#ifdef CONFIG_CODESIGN_SLOT_32
	/* Codecs put 24 bits on top of a 32-bit slot. Halves go up, as everywhere in the runtime. */
	return (int16_t)MIN(((int64_t)slot + 0x8000) >> 16, INT16_MAX);
#else
	return slot;
#endif
}

static audio_slot from_16(int16_t sample)
{
#ifdef CONFIG_CODESIGN_SLOT_32
	return (audio_slot)((uint32_t)(int32_t)sample << 16);
#else
	return sample;
#endif
}

void slots_to_pcm(const audio_slot *block, int16_t *pcm)
{
	const size_t right = IS_ENABLED(CONFIG_CODESIGN_INPUT_RIGHT) ? 1 : 0;

	for (size_t n = 0; n < AUDIO_BLOCK; n++) {
		for (size_t channel = 0; channel < CODESIGN_MODEL_CHANNELS; channel++) {
			*pcm++ = to_16(block[n * AUDIO_SLOTS + (channel ^ right)]);
		}
	}
}

void samples_to_slots(const int16_t *samples, audio_slot *block)
{
	for (size_t n = 0; n < AUDIO_BLOCK * AUDIO_SLOTS; n++) {
		block[n] = from_16(samples[n]);
	}
}

/* The last thing that happens to a sample, whatever made it: nothing can go around this. */
static int16_t at_most(int16_t sample)
{
	return PEAK > INT16_MAX ? sample : (int16_t)CLAMP(sample, -PEAK, PEAK);
}

void pcm_to_slots(const int16_t *pcm, audio_slot *block)
{
	for (size_t n = 0; n < AUDIO_BLOCK; n++) {
		const audio_slot sample = from_16(at_most(pcm[n]));

		for (size_t slot = 0; slot < AUDIO_SLOTS; slot++) {
			block[n * AUDIO_SLOTS + slot] = sample;
		}
	}
}

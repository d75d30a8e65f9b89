/* SPDX-License-Identifier: Apache-2.0 */
/* Between a block's slots and the pipeline's mono int16 samples. */
#ifndef CODESIGN_APP_SLOTS_H
#define CODESIGN_APP_SLOTS_H

#include "audio.h"

/* One hop of the chosen slot, or of both microphones of a beamformer, the chosen one first; 32-bit slots are rounded to 16 bits
 * and saturated. */
void slots_to_pcm(const audio_slot *block, int16_t *pcm);

/* Samples of 16 bits, one for each slot, to slots as they are configured. */
void samples_to_slots(const int16_t *samples, audio_slot *block);

/* One hop to every slot of the block. */
void pcm_to_slots(const int16_t *pcm, audio_slot *block);

/* What a frame is, for those who read the ELF: slots and their bits on the way in, on the way out, and which one is
 * enhanced. */
struct audio_format {
	uint8_t slots_in, bits_in, slots_out, bits_out, chosen;
};
extern const struct audio_format audio_format;

#endif

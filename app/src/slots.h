/* SPDX-License-Identifier: Apache-2.0 */
/* Between a block's slots and the pipeline's mono int16 samples. */
#ifndef CODESIGN_APP_SLOTS_H
#define CODESIGN_APP_SLOTS_H

#include "audio.h"

/* One hop of the chosen input channel; 32-bit slots are rounded to 16 bits and saturated. */
void slots_to_pcm(const audio_slot *block, int16_t *pcm);

/* One hop to every slot of the block. */
void pcm_to_slots(const int16_t *pcm, audio_slot *block);

#endif

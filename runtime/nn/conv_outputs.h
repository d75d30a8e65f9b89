/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of several rows of weights to their results. */
#ifndef CODESIGN_NN_CONV_OUTPUTS_H
#define CODESIGN_NN_CONV_OUTPUTS_H

#include "conv_output.h"

/* Results from f on of `rows` rows of weights from `phase` of `channel` on: sums stand `apart` from row to row, results
 * layer->y_channel from channel to channel. */
static __attribute__((noinline)) void cs_conv_outputs(const cs_conv *layer, uint32_t channel, uint32_t phase, uint32_t rows,
                                                      const int32_t *acc, uint32_t apart, uint32_t f, uint32_t count, void *y,
                                                      int wide)
{
    const uint32_t phases = layer->phases, step = layer->frequency.y_step, element = wide ? 2u : 1u;

    int8_t *to = (int8_t *)y + element * (channel * layer->y_channel + phase);

#if defined(__ARM_FEATURE_DSP) && !defined(__ARM_FEATURE_MVE)
    const int ordinary = wide && layer->high == 32767 && layer->low == -32767 && !layer->twice;
    cs_run run;

    run.up = 1;
#endif

    for (; rows > 0; rows--, acc += apart) {
        uint32_t real = count;

        if (phase + (f + count - 1) * phases >= layer->y_frequency) { /* later phases may have one less */
            real--;
        }
#if defined(__ARM_FEATURE_DSP) && !defined(__ARM_FEATURE_MVE)
        const int32_t right = -1 - layer->shift[channel];

        if (ordinary && right >= 1 && right <= CS_MOST_RIGHT) { /* with less ado */
            const int32_t multiplier = layer->multiplier[channel];

            run.positive = multiplier;
            run.flip = layer->negative != 0 ? multiplier ^ layer->negative[channel] : 0;
            run.offset = -(1 << (right - 1)); /* the rounding, less one step */
            run.right = right;
            cs_conv_results(&run, acc, real, (int16_t *)(void *)to, step);
        } else
#endif
        if (real > 0) {
            const cs_channel constants = cs_channel_of(layer, channel);

            cs_conv_output(&constants, acc, real, to, step, wide);
        }
        to += element;
        if (++phase == phases) {
            to += element * (layer->y_channel - phases);
            phase = 0;
            channel++;
        }
    }
}

#endif

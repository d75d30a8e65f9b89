/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of several rows of weights to their results. */
#ifndef CODESIGN_NN_CONV_OUTPUTS_H
#define CODESIGN_NN_CONV_OUTPUTS_H

#include "conv_output.h"

#if defined(__ARM_FEATURE_MVE)

/* Adds a channel's bias to its sums. */
static inline void cs_conv_add_bias(int32_t *acc, uint32_t count, int32_t bias)
{
    for (uint32_t i = 0; i < count; i++) {
        acc[i] += bias;
    }
}

#endif

/* Results from f on of `rows` rows of weights from `phase` of `channel` on: sums stand `apart` from row to row, results
 * layer->y_channel from channel to channel. With vectors, sums are without their biases. */
static __attribute__((noinline)) void cs_conv_outputs(const cs_conv *layer, uint32_t channel, uint32_t phase, uint32_t rows,
                                                      int32_t *acc, uint32_t apart, uint32_t f, uint32_t count, void *y,
                                                      int wide)
{
    const uint32_t phases = layer->phases, step = layer->frequency.y_step, element = wide ? 2u : 1u;

    int8_t *to = (int8_t *)y + element * (channel * layer->y_channel + phase);

#if defined(__ARM_FEATURE_DSP) && !defined(__ARM_FEATURE_MVE)
    const int ordinary = wide && layer->high == 32767 && layer->low == -32767 && !layer->twice;
    cs_run run;

    run.up = 1;
#elif defined(__ARM_FEATURE_MVE)
    const int ordinary = wide && layer->zero_point == 0 && !layer->twice;
    cs_run run;

    run.low = layer->low;
    run.high = layer->high;
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
#elif defined(__ARM_FEATURE_MVE)
        const int32_t shift = layer->shift[channel] + 1;

        if (ordinary && shift < 0 && shift >= -CS_MOST_RIGHT && real > 0) {
            run.positive = layer->multiplier[channel];
            run.negative = layer->negative != 0 ? layer->negative[channel] : run.positive;
            run.shift = shift;
            run.bias = layer->bias[channel];
            cs_conv_results(&run, acc, real, (int16_t *)(void *)to, step);
            real = 0;
        } else {
            cs_conv_add_bias(acc, real, layer->bias[channel]);
        }
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

/* SPDX-License-Identifier: Apache-2.0 */
/* A GRU of few units over positions: input sums of some positions, then their steps. Empty without the DSP extension. */
#include "codesign/positions.h"

#if defined(__ARM_FEATURE_DSP)

void cs_gru_positions(const cs_small_gru *layer, const int16_t *x, int16_t *y, void *scratch)
{
    const int32_t units = layer->units, stride = layer->stride;
    const int32_t direction = layer->direction < 0 ? -1 : 1;
    const int16_t *before = y;
    int32_t *sums = scratch;
    uint32_t left = layer->positions;

    if (direction < 0) {
        x += (int32_t)(left - 1) * stride;
        y += (int32_t)(left - 1) * units;
    }
    if (layer->direction != 0) { /* a scan starts from zeros */
        int16_t *zeros = (int16_t *)(void *)((uint8_t *)scratch + 12u * layer->units *
                                             ((left < CS_SMALL_POSITIONS ? left + 1 : CS_SMALL_POSITIONS) & ~1u));

        for (int32_t u = 0; u < units; u++) {
            zeros[u] = 0;
        }
        before = zeros;
    }
    while (left > 0) {
        const uint32_t count = left < CS_SMALL_POSITIONS ? left : CS_SMALL_POSITIONS;
        const int32_t moved = (int32_t)count * direction;

        layer->sums(layer->input_weights, x, sums, count, 2 * stride * direction, 3 * layer->units);
        layer->steps(layer->recurrent_weights, sums, before, y, count, 2 * units * direction,
                     layer->direction == 0 ? 2 * units : 0);
        x += moved * stride;
        y += moved * units;
        before = layer->direction == 0 ? y : y - direction * units;
        left -= count;
    }
}

#else

typedef int cs_gru_positions_needs_the_dsp_extension; /* ISO C wants one declaration a file */

#endif

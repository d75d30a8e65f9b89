/* SPDX-License-Identifier: Apache-2.0 */
/* Fully connected over positions, int16 in and out, where most weights are 0: of each row the run without them. */
#include "arithmetic.h"
#include "codesign/positions.h"

#if defined(__ARM_FEATURE_MVE)

/* Assembly: cs_bands_mve.S says what it computes. */
void cs_bands(const uint32_t *words, const int16_t *x, int16_t *y, uint32_t rows);

void cs_fully_connected_banded(const cs_band_layer *layer, const int16_t *x, int16_t *y)
{
    for (uint32_t position = 0; position < layer->positions; position++) {
        cs_bands(layer->words, x + position * layer->columns, y + position * layer->rows, layer->rows);
    }
}

#else

/* Sum of a row's products; words hold two weights, the first one low. */
static inline int32_t run_sum(int32_t sum, const uint32_t *words, const uint32_t *end, const int16_t *x)
{
    for (; words < end; words++, x += 2) {
#if defined(__ARM_FEATURE_DSP)
        uint32_t pair;

        __builtin_memcpy(&pair, x, 4);
        __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(*words), "r"(pair));
#else
        const uint32_t products =
            (uint32_t)((int32_t)(int16_t)*words * x[0]) + (uint32_t)(((int32_t)*words >> 16) * x[1]);

        sum = (int32_t)((uint32_t)sum + products);
#endif
    }
    return sum;
}

/* sum * multiplier / 2^(33 + shift) to the nearest, halves upwards, clamped to +-32767. */
static inline int32_t scaled(int32_t sum, int32_t multiplier, int32_t shift)
{
    const int32_t twice = cs_multiply_high(sum, multiplier) >> shift;
#if defined(__ARM_FEATURE_DSP)
    int32_t less_one; /* so that int16 ends at -32767 */

    __asm__("ssat %0, #16, %1, asr #1" : "=r"(less_one) : "r"(twice - 1));
    return cs_saturate_s16(less_one + 1);
#else
    return cs_clamp((twice + 1) >> 1, -32767, 32767);
#endif
}

void cs_fully_connected_banded(const cs_band_layer *layer, const int16_t *x, int16_t *y)
{
    const uint32_t rows = layer->rows, columns = layer->columns;
    const uint32_t *const words = layer->words;

    for (uint32_t position = layer->positions; position > 0; position--, x += columns) {
        const uint32_t *at = words;

        for (const int16_t *end_of_rows = y + rows; y < end_of_rows; y++) {
            const uint32_t *run = at + 4, *end = run + (at[0] >> 16);

            *y = (int16_t)scaled(run_sum((int32_t)at[1], run, end, x + (uint16_t)at[0]), (int32_t)at[2], (int32_t)at[3]);
            at = end;
        }
    }
}

#endif

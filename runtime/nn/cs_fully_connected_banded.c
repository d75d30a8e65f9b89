/* SPDX-License-Identifier: Apache-2.0 */
/* Fully connected over positions, int16 in and out, where most weights are 0: of each row the run without them. */
#include "arithmetic.h"
#include "codesign/positions.h"

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

void cs_fully_connected_banded(const cs_band_layer *layer, const int16_t *x, int16_t *y)
{
    const int32_t low = layer->low, high = layer->high;
    const uint32_t rows = layer->rows, columns = layer->columns;

    for (uint32_t position = layer->positions; position > 0; position--, x += columns) {
        const uint32_t *at = layer->words;

        for (const int16_t *end_of_rows = y + rows; y < end_of_rows; y++) {
            const uint32_t *words = at + 4, *end = words + (at[0] >> 16);
            const int32_t sum = run_sum((int32_t)at[1], words, end, x + (uint16_t)at[0]);
            const int32_t shift = (int32_t)at[3];

            *y = (int16_t)cs_clamp(cs_multiply_by_quantized_multiplier_31(sum, (int32_t)at[2], shift), low, high);
            at = end;
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "broadcast.h"
#include "sums16.h"

/* Sum of the elements at, at + inner ... less the zero point; of their squares, shifted to 32 bits. */
static int32_t sum_of(const cs_mean *layer, const void *x, uint32_t at)
{
    int32_t sum = 0;
    uint64_t squares = 0;
    uint32_t left = layer->n;

    if (layer->wide_in && layer->inner == 1 && layer->zero_point_in == 0) {
        sum = cs_sums16((const int16_t *)x + at, left, &squares);
        left = 0;
    }
    for (; left > 0; left--, at += layer->inner) {
        const int32_t value = cs_element(x, at, layer->wide_in) - layer->zero_point_in;

        if (layer->squares) {
            squares += (uint32_t)(value * value);
        } else {
            sum += value;
        }
    }
    if (layer->squares) {
        const uint32_t down = layer->down;

        if (down == 0) {
            return (int32_t)(uint32_t)squares;
        }
        squares += (uint32_t)1 << (down - 1);
        sum = (int32_t)(((uint32_t)(squares >> 32) << (32 - down)) | ((uint32_t)squares >> down));
    }
    return sum;
}

void cs_mean_axes(const cs_mean *layer, const void *x, void *y)
{
    for (uint32_t i = 0, to = 0; i < layer->outer; i++) {
        for (uint32_t j = 0; j < layer->inner; j++, to++) {
            const int32_t sum = sum_of(layer, x, i * layer->n * layer->inner + j);
            const int32_t scaled = layer->twice
                                       ? cs_multiply_twice_rounded(sum, layer->multiplier, layer->shift)
                                       : cs_multiply_by_quantized_multiplier_31(sum, layer->multiplier, layer->shift);

            cs_store_element(y, to, layer->wide, cs_clamp(scaled + layer->zero_point, layer->low, layer->high));
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "broadcast.h"
#include "sums16.h"

/* Sum of the elements at, at + inner ... less the zero point; of their squares, shifted to 32 bits. */
static int32_t sum_of(const cs_mean *layer, const void *x, uint32_t at)
{
    int32_t sum = 0;
    uint64_t squares = 0;
    uint32_t left = layer->n;

    if (layer->wide_in && layer->zero_point_in == 0) {
        const int16_t *first = (const int16_t *)x + at;

        sum = layer->inner == 1 ? cs_sums16(first, left, &squares) : cs_sums16_apart(first, left, layer->inner, &squares);
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

#if defined(__ARM_FEATURE_MVE)

/* A result is the sum, of squares first shifted right by `down` (rounded, at most 16), shifted left, times multiplier / 2^32, shifted. */
typedef struct cs_means {
    int32_t left, multiplier, right; /* right: negative */
    uint32_t down;
} cs_means;

/* Assembly: cs_means_mve.S. */
void cs_mean_rows(const cs_means *means, const int16_t *x, int16_t *y, uint32_t rows, uint32_t n, uint32_t squares);
void cs_mean_columns(const cs_means *means, const int16_t *x, int16_t *y, uint32_t columns, uint32_t n, uint32_t squares);

#define CS_MOST_SUMMED 0x4000u /* whose squares' lower halves have a sum of 32 bits */

static int is_for_vectors(const cs_mean *layer)
{
    return layer->wide_in && layer->wide && !layer->twice && layer->zero_point_in == 0 && layer->zero_point == 0 &&
           layer->low == -32767 && layer->high == 32767 && layer->n > 0 && layer->inner > 0 && layer->n <= CS_MOST_SUMMED &&
           layer->down <= 16;
}

static void by_vectors(const cs_mean *layer, const int16_t *x, int16_t *y)
{
    const int32_t right = layer->shift < -1 ? -layer->shift - 1 : 1;
    const cs_means means = {layer->shift + right + 1, layer->multiplier, -right, layer->down};

    if (layer->inner == 1) {
        cs_mean_rows(&means, x, y, layer->outer, layer->n, layer->squares);
        return;
    }
    for (uint32_t i = 0; i < layer->outer; i++, x += layer->n * layer->inner, y += layer->inner) {
        cs_mean_columns(&means, x, y, layer->inner, layer->n, layer->squares);
    }
}

#endif

void cs_mean_axes(const cs_mean *layer, const void *x, void *y)
{
#if defined(__ARM_FEATURE_MVE)
    if (is_for_vectors(layer)) {
        by_vectors(layer, x, y);
        return;
    }
#endif
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

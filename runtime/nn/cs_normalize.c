/* SPDX-License-Identifier: Apache-2.0 */
/* Layer normalization in integers: exact sums, the reciprocal root of n^2 * variance, one product an element. */
#include "broadcast.h"
#include "reciprocal_root.h"

/* a * n for n < 2^16, by products of 32 bits. */
static uint64_t times(uint64_t a, uint32_t n)
{
    const uint32_t low = (uint32_t)a;

    return ((uint64_t)(n * (uint32_t)(a >> 32)) << 32) + ((uint64_t)(n * (low >> 16)) << 16) + n * (low & 0xffffu);
}

static void normalize_row(const cs_norm *layer, const void *x, uint32_t first, void *y)
{
    const uint32_t n = layer->n;
    int32_t sum = 0;
    uint64_t squares = 0;

    for (uint32_t i = 0; i < n; i++) {
        const int32_t value = cs_element(x, first + i, layer->wide_in);

        sum += value;
        squares += (uint32_t)(value * value);
    }
    const uint64_t variance = times(squares, n) - (uint64_t)cs_multiply_wide(sum, sum) + layer->epsilon;
    uint32_t high = (uint32_t)(variance >> 32), low = (uint32_t)variance;
    uint32_t halves = 0; /* of the shift that puts the highest bit into the upper two */

    if (high == 0) {
        high = low;
        low = 0;
        halves = 16;
    }
    const uint32_t zeros = cs_leading_zeros(high | 1) & ~1u;
    if (zeros > 0) {
        high = (high << zeros) | (low >> (32 - zeros));
    }
    halves += zeros / 2;
    const int32_t factor = high ? cs_reciprocal_root((int32_t)(high >> 1)) : 0;

    for (uint32_t i = 0; i < n; i++) {
        const int32_t deviation = (int32_t)n * cs_element(x, first + i, layer->wide_in) - sum;
        const int32_t scaled = halves >= 8 ? (int32_t)((uint32_t)deviation << (halves - 8)) : deviation >> (8 - halves);
        const int32_t unit = cs_multiply_high(scaled, factor); /* Q21 */
        const int32_t value = cs_multiply_high_add(unit * 16, layer->gain[i], layer->bias[i]) >> layer->gain_bits;

        cs_store_element(y, first + i, layer->wide, cs_clamp(value, layer->low, layer->high));
    }
}

void cs_normalize(const cs_norm *layer, const void *x, void *y)
{
    for (uint32_t row = 0; row < layer->rows; row++) {
        normalize_row(layer, x, row * layer->n, y);
    }
}

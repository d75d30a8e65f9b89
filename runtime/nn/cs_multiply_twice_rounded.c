/* SPDX-License-Identifier: Apache-2.0 */
#include "broadcast.h"

/* The product times the left multiplier, rounded; one less below zero, so that the last rounding takes halves away from zero. */
static inline int32_t combine(const cs_binary *layer, int32_t left, int32_t right)
{
    const int32_t high = cs_multiply_by_quantized_multiplier_64(left * right, layer->left.multiplier, 0);

    return high - (high < 0);
}

void cs_multiply_twice_rounded(const cs_binary *layer, const void *left, const void *right, void *y)
{
    cs_broadcast(layer, left, right, y, combine);
}

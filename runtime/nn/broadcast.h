/* SPDX-License-Identifier: Apache-2.0 */
/* The loops of layers with two operands, and what sums and comparisons share. */
#ifndef CODESIGN_NN_BROADCAST_H
#define CODESIGN_NN_BROADCAST_H

#include "arithmetic.h"
#include "codesign/nn_elements.h"

static inline int32_t cs_element(const void *x, uint32_t at, int wide)
{
    return wide ? ((const int16_t *)x)[at] : ((const int8_t *)x)[at];
}

static inline void cs_store_element(void *y, uint32_t at, int wide, int32_t value)
{
    if (wide) {
        ((int16_t *)y)[at] = (int16_t)value;
    } else {
        ((int8_t *)y)[at] = (int8_t)value;
    }
}

/* An operand's element at the scale that both share. */
static inline int32_t cs_scaled(const cs_operand *operand, int32_t left_shift, int32_t value)
{
    return cs_multiply_twice_rounded(value * ((int32_t)1 << left_shift), operand->multiplier, operand->shift);
}

/* A function of two elements less their zero points, in front of the last rescaling; inlined into each layer's loops. */
typedef int32_t cs_combine(const cs_binary *layer, int32_t left, int32_t right);

/* The loops; inlined with `wide` known for int16 alone, the case that is long enough to matter. */
static inline __attribute__((always_inline)) void cs_broadcast_loops(const cs_binary *layer, const void *left, const void *right,
                                                                     void *y, cs_combine *combine, int left_wide,
                                                                     int right_wide, int wide)
{
    const uint32_t *shape = layer->shape, *a = layer->left.stride, *b = layer->right.stride;
    uint32_t at = 0;

    for (uint32_t i = 0; i < shape[0]; i++) {
        for (uint32_t j = 0; j < shape[1]; j++) {
            for (uint32_t k = 0; k < shape[2]; k++) {
                uint32_t p = i * a[0] + j * a[1] + k * a[2], q = i * b[0] + j * b[1] + k * b[2];

                for (uint32_t l = 0; l < shape[3]; l++, p += a[3], q += b[3], at++) {
                    const int32_t one = cs_element(left, p, left_wide) - layer->left.zero_point;
                    const int32_t other = cs_element(right, q, right_wide) - layer->right.zero_point;
                    const int32_t value = cs_multiply_twice_rounded(combine(layer, one, other),
                                                                                layer->multiplier, layer->shift);

                    cs_store_element(y, at, wide, cs_clamp(value + layer->zero_point, layer->low, layer->high));
                }
            }
        }
    }
}

static inline void cs_broadcast(const cs_binary *layer, const void *left, const void *right, void *y, cs_combine *combine)
{
    if (layer->left.wide && layer->right.wide && layer->wide) {
        const cs_binary own = *layer; /* nothing that is written to y can change it: its numbers stay in registers */

        cs_broadcast_loops(&own, left, right, y, combine, 1, 1, 1);
    } else {
        cs_broadcast_loops(layer, left, right, y, combine, layer->left.wide, layer->right.wide, layer->wide);
    }
}

#endif

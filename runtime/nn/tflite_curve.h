/* SPDX-License-Identifier: Apache-2.0 */
/* TFLite's interpolation for LOGISTIC and TANH of int16: sigmoid(i / 24) in 2^-16, for arguments above zero. */
#ifndef CODESIGN_NN_TFLITE_CURVE_H
#define CODESIGN_NN_TFLITE_CURVE_H

#include "codesign/nn_elements.h"

/* |x| * multiplier / 2^shift as TFLite rounds it; `negative` says which half it was of. */
static inline uint32_t cs_tflite_argument(int32_t x, int32_t multiplier, int32_t shift, int *negative)
{
    const int32_t round = shift > 0 ? (int32_t)1 << (shift - 1) : 0;
    const int32_t scaled = (x * multiplier + round) >> shift;

    *negative = scaled < 0;
    return (uint32_t)(scaled < 0 ? -scaled : scaled);
}

/* 2^(16 + bits) * sigmoid of an argument whose step is 1 / (24 * 2^bits); `top` after the table's end. */
static inline uint32_t cs_tflite_interpolate(uint32_t argument, uint32_t bits, uint32_t top)
{
    const uint32_t index = argument >> bits;

    if (index >= 255) {
        return top;
    }
    const uint32_t low = cs_tflite_sigmoid_table[index], high = cs_tflite_sigmoid_table[index + 1];

    return (low << bits) + (argument & ((1u << bits) - 1)) * (high - low);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "tflite_curve.h"

void cs_tflite_logistic_s16(int32_t multiplier, int32_t shift, const int16_t *x, int16_t *y, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        int negative;
        const uint32_t argument = cs_tflite_argument(x[i], multiplier, shift, &negative);
        const uint32_t value = cs_tflite_interpolate(argument, 9, 0x7fffu << 10);

        y[i] = (int16_t)((negative ? (1u << 25) - value + (1u << 9) - 1 : value + (1u << 9)) >> 10);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tflite_curve.h"

void cs_tflite_tanh_s16(int32_t multiplier, int32_t shift, const int16_t *x, int16_t *y, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        int negative;
        const uint32_t argument = cs_tflite_argument(x[i], multiplier, shift, &negative);
        const int32_t value = (int32_t)cs_tflite_interpolate(argument, 8, 0xffffu << 8);
        const int32_t half = 1 << 23;

        y[i] = (int16_t)((negative ? half - value + (1 << 7) - 1 : value - half + (1 << 7)) >> 8);
    }
}

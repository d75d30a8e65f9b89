/* SPDX-License-Identifier: Apache-2.0 */
/* Four rows of weights times pairs of patches, in C. Cores with the Arm DSP or vector extension take cs_conv_multiply.S. */
#include "conv_multiply.h"

#if !defined(__ARM_FEATURE_DSP) && !defined(__ARM_FEATURE_MVE)

void cs_conv_multiply(const int16_t *rows, const int16_t *patches, uint32_t columns, uint32_t pairs, const int32_t *bias,
                      int32_t *acc, uint32_t stride)
{
    for (; pairs > 0; pairs--, patches += 2 * columns, acc += 2) {
        for (uint32_t row = 0; row < 4; row++) {
            const int16_t *w = rows + 2 * row, *x = patches;
            uint32_t a = (uint32_t)bias[row], b = a;

            for (uint32_t column = 0; column < columns; column += 2, w += 8, x += 4) {
                a += (uint32_t)(w[0] * x[0]) + (uint32_t)(w[1] * x[1]);
                b += (uint32_t)(w[0] * x[2]) + (uint32_t)(w[1] * x[3]);
            }
            acc[row * stride] = (int32_t)a;
            acc[row * stride + 1] = (int32_t)b;
        }
    }
}

#else

typedef int cs_conv_multiply_is_assembly; /* ISO C wants one declaration a file */

#endif

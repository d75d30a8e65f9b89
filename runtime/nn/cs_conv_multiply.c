/* SPDX-License-Identifier: Apache-2.0 */
/* Four rows of weights times pairs of patches: any core in C, and the M-profile vector extension. Cores with the Arm DSP
 * extension alone take cs_conv_multiply.S. */
#include "conv_multiply.h"

#if defined(__ARM_FEATURE_MVE)

#include <arm_mve.h>

void cs_conv_multiply(const int16_t *rows, const int16_t *patches, uint32_t columns, uint32_t pairs, const int32_t *bias,
                      int32_t *acc, uint32_t stride)
{
    for (; pairs > 0; pairs--, patches += 2 * columns, acc += 2) {
        for (uint32_t row = 0; row < 4; row += 2) {
            const int16_t *w = rows + row * columns, *x = patches;
            int32_t a0 = bias[row], b0 = a0, a1 = bias[row + 1], b1 = a1;

            for (int32_t left = (int32_t)columns; left > 0; left -= 8, w += 8, x += 8) {
                const mve_pred16_t real = vctp16q((uint32_t)left);
                const int16x8_t xa = vldrhq_z_s16(x, real), xb = vldrhq_z_s16(x + columns, real);
                const int16x8_t w0 = vldrhq_z_s16(w, real), w1 = vldrhq_z_s16(w + columns, real);

                a0 = vmladavaq_s16(a0, w0, xa);
                b0 = vmladavaq_s16(b0, w0, xb);
                a1 = vmladavaq_s16(a1, w1, xa);
                b1 = vmladavaq_s16(b1, w1, xb);
            }
            acc[row * stride] = a0;
            acc[row * stride + 1] = b0;
            acc[(row + 1) * stride] = a1;
            acc[(row + 1) * stride + 1] = b1;
        }
    }
}

#elif !defined(__ARM_FEATURE_DSP)

void cs_conv_multiply(const int16_t *rows, const int16_t *patches, uint32_t columns, uint32_t pairs, const int32_t *bias,
                      int32_t *acc, uint32_t stride)
{
    for (; pairs > 0; pairs--, patches += 2 * columns, acc += 2) {
        for (uint32_t row = 0; row < 4; row++) {
            const int16_t *w = rows + CS_ROW_START(row, columns), *x = patches;
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

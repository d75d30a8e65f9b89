/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels for int16 vectors on cores with the Arm DSP extension. Empty elsewhere.
 *
 * Packing, for rows A, B, C, D and columns 0..3 (lanes are the low and the high halfword of a 32-bit word):
 *   word 0: 256 * A + B of columns 0, 1      word 1: 256 * C + D of columns 0, 1
 *   word 2: 256 * A + B of columns 2, 3      word 3: 256 * C + D of columns 2, 3
 * Four words per four columns, then the next four columns, then the next four rows.
 * python/codesign/compiler/layers/packing_wide.py. */
#include "codesign/nn.h"

#if defined(__ARM_FEATURE_DSP)

const void *cs_matvec_wide_dsp(const void *weights, const int16_t *prepared, uint32_t rows, uint32_t columns,
                               int32_t *acc);

/* A copy, aligned to words, with zeros after it. */
static void prepare_wide(const void *values, uint32_t n, int16_t *prepared)
{
    const int16_t *x = values;
    const int16_t *end = x + n;

    for (; end - x >= 4; x += 4, prepared += 4) {
        uint32_t pairs[2];

        __builtin_memcpy(&pairs[0], x, 4);
        __builtin_memcpy(&pairs[1], x + 2, 4);
        __builtin_memcpy(__builtin_assume_aligned(prepared, 4), pairs, 8);
    }
    if (x < end) {
        for (uint32_t i = 0; i < 4; i++) {
            prepared[i] = x + i < end ? x[i] : 0;
        }
    }
}

const cs_kernel cs_kernel_wide_dsp = {prepare_wide, cs_matvec_wide_dsp};
const cs_kernel cs_kernel_wide_dual = {prepare_wide, cs_matvec_wide_dsp};

#else

typedef int cs_kernel_wide_dsp_needs_the_dsp_extension; /* ISO C wants one declaration a file */

#endif

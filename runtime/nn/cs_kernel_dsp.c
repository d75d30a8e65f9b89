/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels for cores with the Arm DSP extension (Cortex-M4, M7, M33, M35P, M55, M85). Empty elsewhere.
 *
 * Packing, for rows A, B, C, D and columns 0..3 (lanes are the low and the high halfword of a 32-bit word):
 *   word 0: 256 * A + B of columns 0, 2      word 1: 256 * C + D of columns 0, 2
 *   word 2: 256 * A + B of columns 1, 3      word 3: 256 * C + D of columns 1, 3
 * Four words per four columns, then the next four columns, then the next four rows. In front of each four rows stand two words,
 * minus the sums of b0 * b1 + b2 * b3 over all columns of row B and of row D. python/codesign/compiler/layers/packing.py. */
#include "codesign/nn.h"

#if defined(__ARM_FEATURE_DSP)

const void *cs_matvec_dsp(const void *weights, const int16_t *prepared, uint32_t rows, uint32_t columns,
                          int32_t *acc);
const void *cs_matvec_dual(const void *weights, const int16_t *prepared, uint32_t rows, uint32_t columns,
                          int32_t *acc);

/* Four activations to the words (x0, x2) and (x1, x3); returns sum + x0 * x1 + x2 * x3. */
static inline int32_t widen(uint32_t word, int16_t *prepared, int32_t sum)
{
    uint32_t pair[2];
    int32_t products;

    __asm__("sxtb16 %0, %1" : "=r"(pair[0]) : "r"(word));
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair[1]) : "r"(word));
    __asm__("smlad  %0, %1, %2, %3" : "=r"(products) : "r"(pair[0]), "r"(pair[1]), "r"(sum));
    __builtin_memcpy(__builtin_assume_aligned(prepared, 4), pair, 8);
    return products;
}

static void prepare(const void *values, uint32_t n, int16_t *prepared)
{
    const int8_t *x = values;
    const uint32_t rest = n & 3u; /* said so, or clang unrolls the loop over it */
    int32_t sum = 0;

    for (; n >= 4; n -= 4, x += 4, prepared += 4) {
        uint32_t word;

        __builtin_memcpy(&word, x, 4); /* x need not be aligned */
        sum = widen(word, prepared, sum);
    }
    if (rest > 0) {
        uint32_t word = 0;

        for (uint32_t i = 0; i < rest; i++) {
            word |= (uint32_t)(uint8_t)x[i] << (8 * i);
        }
        sum = widen(word, prepared, sum);
        prepared += 4;
    }
    sum = -sum;
    __builtin_memcpy(__builtin_assume_aligned(prepared, 4), &sum, 4);
}

const cs_kernel cs_kernel_dsp = {prepare, cs_matvec_dsp};
const cs_kernel cs_kernel_dual = {prepare, cs_matvec_dual};

#else

typedef int cs_kernel_dsp_needs_the_dsp_extension; /* ISO C wants one declaration a file */

#endif

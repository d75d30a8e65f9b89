/* SPDX-License-Identifier: Apache-2.0 */
/* 1 / sqrt(w) by Newton's iteration. */
#ifndef CODESIGN_NN_RECIPROCAL_ROOT_H
#define CODESIGN_NN_RECIPROCAL_ROOT_H

#include "arithmetic.h"

/* Of w in Q31 from 1/4 to 1, in Q29; relative error below 2^-24. Starts from 2.13 - 1.22 * w, which is within 9 %. */
static inline int32_t cs_reciprocal_root(int32_t w)
{
    int32_t y = 1143534715 - cs_multiply_high(w, 1309965025);

    for (int i = 0; i < 4; i++) { /* y * (3 - w * y * y) / 2 */
        const int32_t square = cs_multiply_high(y, y) * 4;                   /* Q28 */
        const int32_t rest = (3 << 27) - cs_multiply_high(square, w);        /* Q27 */

        y = cs_multiply_high(y, rest * 4) * 4;
    }
    return y;
}

/* Zeros above the highest bit, 32 for 0; without the instruction the compiler would call its library. */
static inline uint32_t cs_leading_zeros(uint32_t x)
{
#if defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1
    uint32_t n = 0;

    if (x == 0) {
        return 32;
    }
    for (; x < 0x80000000u; x <<= 1) {
        n++;
    }
    return n;
#else
    return x ? (uint32_t)__builtin_clz(x) : 32;
#endif
}

#endif

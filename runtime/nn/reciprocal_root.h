/* SPDX-License-Identifier: Apache-2.0 */
/* 1 / sqrt(w) by Newton's iteration. */
#ifndef CODESIGN_NN_RECIPROCAL_ROOT_H
#define CODESIGN_NN_RECIPROCAL_ROOT_H

#include "arithmetic.h"

#define CS_ROOT_STEPS 4

/* Where the iteration starts: 2.13 - 1.22 * w, which is within 9 %. */
static inline int32_t cs_first_root(int32_t w)
{
    return 1143534715 - cs_multiply_high(w, 1309965025);
}

/* Of w in Q31 from 1/4 to 1, in Q29; relative error below 2^-24. */
static inline int32_t cs_reciprocal_root(int32_t w)
{
    int32_t y = cs_first_root(w);

    for (int i = 0; i < CS_ROOT_STEPS; i++) {
        const int32_t square = cs_multiply_high(y, y) * 4;            /* Q28 */
        const int32_t rest = (3 << 27) - cs_multiply_high(square, w); /* Q27; y * (3 - w * y * y) / 2 follows */

        y = cs_multiply_high(y, rest * 4) * 4;
    }
    return y;
}

/* Of two. */
static inline void cs_reciprocal_roots(int32_t v, int32_t w, int32_t *of_v, int32_t *of_w)
{
    int32_t x = cs_first_root(v), y = cs_first_root(w);

    for (int i = 0; i < CS_ROOT_STEPS; i++) {
#if defined(__ARM_FEATURE_DSP)
        int32_t one, other; /* in an order in which none waits */

        __asm__("smmul %2, %0, %0\n\t"
                "smmul %3, %1, %1\n\t"
                "lsl %2, %2, #2\n\t"
                "lsl %3, %3, #2\n\t"
                "smmul %2, %2, %4\n\t"
                "smmul %3, %3, %5\n\t"
                "rsb %2, %2, #0x18000000\n\t"
                "rsb %3, %3, #0x18000000\n\t"
                "lsl %2, %2, #2\n\t"
                "lsl %3, %3, #2\n\t"
                "smmul %0, %0, %2\n\t"
                "smmul %1, %1, %3\n\t"
                "lsl %0, %0, #2\n\t"
                "lsl %1, %1, #2"
                : "+&r"(x), "+&r"(y), "=&r"(one), "=&r"(other)
                : "r"(v), "r"(w));
#else
        const int32_t one = cs_multiply_high(x, x) * 4, other = cs_multiply_high(y, y) * 4;
        const int32_t rest = ((3 << 27) - cs_multiply_high(one, v)) * 4, left = ((3 << 27) - cs_multiply_high(other, w)) * 4;

        x = cs_multiply_high(x, rest) * 4;
        y = cs_multiply_high(y, left) * 4;
#endif
    }
    *of_v = x;
    *of_w = y;
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

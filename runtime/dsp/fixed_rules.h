/* SPDX-License-Identifier: Apache-2.0 */
/* What the Q31 front end computes with (docs/numerics.md). */
#ifndef CODESIGN_FIXED_RULES_H
#define CODESIGN_FIXED_RULES_H

#include "../nn/arithmetic.h"

/* a * 2^n, for results that fit */
static inline int32_t cs_shift_up(int32_t a, int32_t n)
{
    return (int32_t)((uint32_t)a << n);
}

/* |a|, or |a| - 1 for negative a: what an OR may gather to find how many bits a buffer needs. */
static inline uint32_t cs_bits(int32_t a)
{
    return (uint32_t)(a ^ (a >> 31));
}

/* Of a | 1. */
static inline int32_t cs_leading_zeros(uint32_t a)
{
#if defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1 /* Armv6-M has no CLZ: without a call of a library */
    int32_t zeros = 0;
    a |= 1u;
    for (int32_t half = 16; half > 0; half >>= 1) {
        if (a >> (32 - half) == 0) {
            zeros += half;
            a <<= half;
        }
    }
    return zeros;
#else
    return __builtin_clz(a | 1u);
#endif
}

/* Chord of table[i] and table[i + 1] at part / 2^14 of the interval. The table ascends by less than 2^18 a step. */
static inline uint32_t cs_chord(const uint32_t *entry, uint32_t part)
{
    return entry[0] + (((entry[1] - entry[0]) * part) >> 14);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* 2^f by a minimax polynomial, the same bits on every machine. Included where float_rules_end.h follows. */
#ifndef CODESIGN_EXP2_H
#define CODESIGN_EXP2_H

#include "float_rules.h"

/* 2^f for |f| <= 1/2 */
static inline float cs_exp2_fraction(float f)
{
    float p = 0x1.41d334p-13f;
    p = p * f + 0x1.5f456ap-10f;
    p = p * f + 0x1.3b2dbcp-7f;
    p = p * f + 0x1.c6aed4p-5f;
    p = p * f + 0x1.ebfbdap-3f;
    p = p * f + 0x1.62e430p-1f;
    return p * f + 1.0f;
}

/* 2^f times 2^k, k being the integer that stands in the low bits of `rounded`, a sum with CS_ROUND. */
static inline float cs_exp2_scaled(float f, float rounded)
{
    return cs_float_from_bits(cs_float_bits(cs_exp2_fraction(f)) + (cs_float_bits(rounded) << 23));
}

#endif

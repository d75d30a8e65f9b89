/* SPDX-License-Identifier: Apache-2.0 */
/* log2 by a minimax polynomial, the same bits on every machine. Included where float_rules_end.h follows. */
#ifndef CODESIGN_LOG2_H
#define CODESIGN_LOG2_H

#include "float_rules.h"

#define CS_SQRT_HALF 0x3f3504f3u /* bits of 0.70710677f */
#define CS_HIGH_BITS 0xfffff000u /* sign, exponent and the upper 11 of 23 mantissa bits: times an octave, exact */

typedef struct cs_log2_parts {
    float octave, rest; /* rest in [-1/2, 1/2] */
} cs_log2_parts;

/* log2(1 + t) for 1 + t in [sqrt(1/2), sqrt(2)) */
static inline float cs_log2_mantissa(float t)
{
    float p = 0x1.00e042p-3f;
    p = p * t + -0x1.aeac5ep-3f;
    p = p * t + 0x1.bd2a42p-3f;
    p = p * t + -0x1.e87dcep-3f;
    p = p * t + 0x1.269004p-2f;
    p = p * t + -0x1.7160e2p-2f;
    p = p * t + 0x1.ec76eep-2f;
    p = p * t + -0x1.71546ap-1f;
    p = p * t + 0x1.715474p+0f;
    return p * t;
}

static inline cs_log2_parts cs_log2(float x)
{
    const uint32_t bits = cs_float_bits(x);
    const int32_t octave = (int32_t)(bits - CS_SQRT_HALF) >> 23;
    const float t = cs_float_from_bits(bits - ((uint32_t)octave << 23)) - 1.0f;
    return (cs_log2_parts){(float)octave, cs_log2_mantissa(t)};
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* x^p = exp2(p * log2(x)). Minimax-fitted polynomials; errors in docs/numerics.md. */
#include "cs_power.h"

#include "float_rules.h"

#define FLOOR 0x1p-40f        /* a band below this is silence */
#define SQRT_HALF 0x3f3504f3u /* bits of 0.70710677f */
#define HIGH_BITS 0xfffff000u /* sign, exponent and the upper 11 of 23 mantissa bits */

/* log2(1 + t) for 1 + t in [sqrt(1/2), sqrt(2)) */
static inline float log2_mantissa(float t)
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

/* 2^f for |f| <= 1/2 */
static inline float exp2_fraction(float f)
{
    float p = 0x1.41d334p-13f;
    p = p * f + 0x1.5f456ap-10f;
    p = p * f + 0x1.3b2dbcp-7f;
    p = p * f + 0x1.c6aed4p-5f;
    p = p * f + 0x1.ebfbdap-3f;
    p = p * f + 0x1.62e430p-1f;
    return p * f + 1.0f;
}

void cs_power(float *x, uint32_t n, float exponent)
{
    /* exponent * log2(x) reaches 40, where half an ulp is 2e-6. `high` has 12 bits: its product with the octave is exact. */
    const float high = cs_float_from_bits(cs_float_bits(exponent) & HIGH_BITS);
    const float low = exponent - high;
    for (const float *end = x + n; x != end; x++) {
        const uint32_t bits = cs_float_bits(*x < FLOOR ? FLOOR : *x);
        const int32_t octave = (int32_t)(bits - SQRT_HALF) >> 23;
        const float e = (float)octave;
        const float t = cs_float_from_bits(bits - ((uint32_t)octave << 23)) - 1.0f;
        const float coarse = high * e;
        const float fine = exponent * log2_mantissa(t);
        const float rounded = (coarse + fine) + CS_ROUND;
        const float f = ((coarse - (rounded - CS_ROUND)) + low * e) + fine;
        *x = cs_float_from_bits(cs_float_bits(exp2_fraction(f)) + (cs_float_bits(rounded) << 23));
    }
}

#include "float_rules_end.h"

/* SPDX-License-Identifier: Apache-2.0 */
/* x^p = exp2(p * log2(x)). Minimax-fitted polynomials; errors in docs/numerics.md. */
#include "codesign/chain.h"
#include "cs_log2.h"
#include "float_rules.h"

#define FLOOR 0x1p-40f /* a band below this is silence */

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
    const float high = cs_float_from_bits(cs_float_bits(exponent) & CS_HIGH_BITS);
    const float low = exponent - high;
    for (const float *end = x + n; x != end; x++) {
        const cs_log2_parts log2 = cs_log2(*x < FLOOR ? FLOOR : *x);
        const float e = log2.octave;
        const float coarse = high * e;
        const float fine = exponent * log2.rest;
        const float rounded = (coarse + fine) + CS_ROUND;
        const float f = ((coarse - (rounded - CS_ROUND)) + low * e) + fine;
        *x = cs_float_from_bits(cs_float_bits(exp2_fraction(f)) + (cs_float_bits(rounded) << 23));
    }
}

#include "float_rules_end.h"

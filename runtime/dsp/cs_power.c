/* SPDX-License-Identifier: Apache-2.0 */
/* x^p = exp2(p * log2(x)). Minimax-fitted polynomials; errors in docs/numerics.md. */
#include "codesign/chain.h"
#include "cs_exp2.h"
#include "cs_log2.h"
#include "float_rules.h"

#define FLOOR 0x1p-40f /* a band below this is silence */

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
        *x = cs_exp2_scaled(f, rounded);
    }
}

#include "float_rules_end.h"

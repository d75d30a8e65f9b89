/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/chain.h"
#include "cs_log2.h"
#include "float_rules.h"

void cs_logarithm(float *x, uint32_t n, float offset, float floor, float scale)
{
    const float high = cs_float_from_bits(cs_float_bits(scale) & CS_HIGH_BITS);
    const float low = scale - high;
    for (const float *end = x + n; x != end; x++) {
        const float value = *x + offset;
        const cs_log2_parts log2 = cs_log2(value < floor ? floor : value);
        *x = high * log2.octave + (scale * log2.rest + low * log2.octave);
    }
}

#include "float_rules_end.h"

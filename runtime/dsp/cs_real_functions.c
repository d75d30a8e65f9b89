/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/real.h"
#include "cs_exp2.h"
#include "cs_log2.h"
#include "float_rules.h"
#include "square_root.h"

#define LEAST 0x1p-126f /* the smallest normal number */

void cs_real_logarithm(const float *x, float scale, uint32_t n, float *y)
{
    const float high = cs_float_from_bits(cs_float_bits(scale) & CS_HIGH_BITS);
    const float low = scale - high;

    for (const float *end = y + n; y != end; x++) {
        const cs_log2_parts log2 = cs_log2(*x > LEAST ? *x : LEAST);

        *y++ = high * log2.octave + (scale * log2.rest + low * log2.octave);
    }
}

void cs_real_power(const float *x, float exponent, uint32_t n, float *y)
{
    const float high = cs_float_from_bits(cs_float_bits(exponent) & CS_HIGH_BITS);
    const float low = exponent - high;

    for (const float *end = y + n; y != end;) {
        const float value = *x++;
        const cs_log2_parts log2 = cs_log2(value > LEAST ? value : LEAST);
        const float coarse = high * log2.octave, fine = exponent * log2.rest;
        const float rounded = (coarse + fine) + CS_ROUND;
        const float f = ((coarse - (rounded - CS_ROUND)) + low * log2.octave) + fine;
        const float power = cs_exp2_scaled(f, rounded);

        *y++ = value > 0.0f || exponent < 0.0f ? power : 0.0f;
    }
}

void cs_real_root(const float *x, uint32_t n, float *y)
{
    for (const float *end = y + n; y != end; x++) {
        *y++ = cs_square_root(*x > 0.0f ? *x : 0.0f);
    }
}

static inline int32_t steps_of(float x, float scale, int32_t limit)
{
    const float steps = x / scale;

    return steps == steps ? cs_limit(cs_round(steps), -limit, limit) : 0;
}

void cs_real_to_s8(const float *x, uint32_t n, float scale, int32_t zero_point, int8_t *q)
{
    const int32_t least = zero_point < -127 ? zero_point : -127;

    for (uint32_t i = 0; i < n; i++) {
        q[i] = (int8_t)cs_limit(steps_of(x[i], scale, 512) + zero_point, least, 127);
    }
}

void cs_real_to_s16(const float *x, uint32_t n, float scale, int16_t *q)
{
    for (uint32_t i = 0; i < n; i++) {
        q[i] = (int16_t)steps_of(x[i], scale, 32767);
    }
}

#include "float_rules_end.h"

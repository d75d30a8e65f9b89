/* b^exponent = 2^(exponent * log2 b) by two polynomials (minimax, Remez in float64; docs/numerics.md). */
#include "codesign/dsp.h"
#include "float32.h"

#define FLOOR 0x1p-40f         /* silence; keeps log2 finite */
#define SQRT_HALF 0x3f3504f3u  /* bits of sqrt(1/2) */
#define HIGH_BITS 0xfffff000u  /* sign, exponent and 11 of 23 mantissa bits */

/* log2(1 + f) for sqrt(1/2) <= 1 + f < sqrt(2); absolute error of the polynomial 4e-9 */
static inline float log2_1p(float f)
{
    float p = 0x1.00e042p-3f;
    p = p * f + -0x1.aeac5ep-3f;
    p = p * f + 0x1.bd2a42p-3f;
    p = p * f + -0x1.e87dcep-3f;
    p = p * f + 0x1.269004p-2f;
    p = p * f + -0x1.7160e2p-2f;
    p = p * f + 0x1.ec76eep-2f;
    p = p * f + -0x1.71546ap-1f;
    p = p * f + 0x1.715474p+0f;
    return p * f;
}

/* 2^r for |r| <= 0.5; relative error of the polynomial 2e-9 */
static inline float exp2_fraction(float r)
{
    float p = 0x1.41d334p-13f;
    p = p * r + 0x1.5f456ap-10f;
    p = p * r + 0x1.3b2dbcp-7f;
    p = p * r + 0x1.c6aed4p-5f;
    p = p * r + 0x1.ebfbdap-3f;
    p = p * r + 0x1.62e430p-1f;
    return p * r + 1.0f;
}

void cs_pow(float *x, uint32_t n, float exponent)
{
    /* exponent * log2 b reaches 40, where half a unit in the last place is 2e-6. In two parts, the large one is exact. */
    const float high = cs_float_from_bits(cs_float_bits(exponent) & HIGH_BITS);
    const float low = exponent - high;
    for (const float *end = x + n; x != end; x++) {
        const uint32_t bits = cs_float_bits(*x < FLOOR ? FLOOR : *x);
        const int32_t octave = (int32_t)(bits - SQRT_HALF) >> 23; /* b = 2^octave * (1 + f) */
        const float f = cs_float_from_bits(bits - ((uint32_t)octave << 23)) - 1.0f;
        const float e = (float)octave;
        const float whole = high * e; /* exact: 12 bits by 8 */
        const float part = exponent * log2_1p(f);
        const float rounded = (whole + part) + CS_ROUND;
        const float k = rounded - CS_ROUND;
        const float r = ((whole - k) + low * e) + part;
        const float y = exp2_fraction(r);
        *x = cs_float_from_bits(cs_float_bits(y) + (cs_float_bits(rounded) << 23)); /* y * 2^k */
    }
}

/* x^p = exp2(p * log2(x)). Minimax-fitted polynomials; errors in docs/numerics.md. */
#include "cs_power.h"

#include <stdint.h>
#include <string.h>

#include "float_rules.h"

static const uint32_t SQRT_HALF = 0x3f3504f3; /* bits of 0.70710677f */

static inline float from_bits(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t to_bits(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* log2 of a positive normal float: x = 2^e * (1 + t) with 1 + t in [sqrt(1/2), sqrt(2)). */
static inline float log2_of(float x)
{
    const uint32_t shifted = to_bits(x) - SQRT_HALF;
    const float e = (float)((int32_t)shifted >> 23);
    const float t = from_bits((shifted & 0x007fffffu) + SQRT_HALF) - 1.0f;
    float p = -0.1497330367565155f;

    p = p * t + 0.235709547996521f;
    p = p * t + -0.24832284450531006f;
    p = p * t + 0.2868689000606537f;
    p = p * t + -0.360263466835022f;
    p = p * t + 0.4809311628341675f;
    p = p * t + -0.7213524580001831f;
    p = p * t + 1.442694902420044f;
    return e + p * t;
}

/* 2^y for |y| <= 126. */
static inline float exp2_of(float y)
{
    const float whole = cs_round_even(y);
    const float f = y - whole;
    float p = 0.0013410004321485758f;

    p = p * f + 0.009676036424934864f;
    p = p * f + 0.05550297349691391f;
    p = p * f + 0.2402210682630539f;
    p = p * f + 0.6931472420692444f;
    p = p * f + 1.0000001192092896f;
    return p * from_bits((uint32_t)((int32_t)whole + 127) << 23);
}

float cs_power(float x, float exponent)
{
    return exp2_of(exponent * log2_of(x));
}

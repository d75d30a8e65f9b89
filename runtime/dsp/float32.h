/* What makes float arithmetic the same on every target: no contraction, no excess precision, no reordering. */
#ifndef CODESIGN_DSP_FLOAT32_H
#define CODESIGN_DSP_FLOAT32_H

#include <stdint.h>
#include <string.h>

#if defined(__FAST_MATH__)
#error "codesign: -ffast-math reorders float operations; their order is part of the numeric contract"
#endif
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16
#error "codesign: this target computes float in a wider type (x87: use -msse2 -mfpmath=sse)"
#endif

/* For builds that forget -ffp-contract=off: a fused multiply-add rounds once where two steps round twice. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off", "no-math-errno")
#endif

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tables and buffers are little-endian");
_Static_assert(sizeof(float) == 4, "float is IEEE 754 binary32");

/* Adding 1.5 * 2^23 to |x| < 2^22 rounds it to the nearest integer, ties to even; that integer modulo 2^16 then is in the
 * low bits of the sum. */
#define CS_ROUND 12582912.0f

static inline uint32_t cs_float_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float cs_float_from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline float cs_clamp_float(float x, float low, float high)
{
#if defined(__ARM_FEATURE_NUMERIC_MAXMIN)
    return __builtin_fminf(__builtin_fmaxf(x, low), high); /* VMAXNM, VMINNM instead of two branches */
#else
    x = x < low ? low : x;
    return x > high ? high : x;
#endif
}

#endif

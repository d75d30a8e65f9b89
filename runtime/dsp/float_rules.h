/* The float rules of docs/numerics.md, for compilers that would contract a * b + c into one rounding. -ffp-contract=off says the
 * same for the whole build; this holds where somebody forgets the flag. */
#ifndef CODESIGN_FLOAT_RULES_H
#define CODESIGN_FLOAT_RULES_H

#include <stdint.h>

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#if defined(__FMA__) /* x86 with -march=haswell or the like: gcc 12's vectorizer emits VFMADDSUB in spite of that */
#pragma GCC optimize("no-tree-vectorize")
#endif
#endif

#if defined(__FAST_MATH__)
#error "codesign's front end must not be compiled with -ffast-math: the output would differ from the proven one"
#endif
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16
#error "this target computes float in a wider type, the output would differ (on x87: -msse2 -mfpmath=sse)"
#endif

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "codesign's memory layout is little-endian");
_Static_assert(sizeof(float) == 4, "float is IEEE 754 binary32");

/* x + CS_ROUND, for |x| < 2^22, is CS_ROUND plus the nearest integer, ties to even, because the sum's ulp is 1. That integer
 * modulo 2^22 stands in the low bits of the sum. */
#define CS_ROUND 12582912.0f

static inline uint32_t cs_float_bits(float x)
{
    uint32_t bits;
    __builtin_memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float cs_float_from_bits(uint32_t bits)
{
    float x;
    __builtin_memcpy(&x, &bits, sizeof x);
    return x;
}

/* Nearest integer, ties to even; saturates somewhere beyond +-(2^22 - 1). */
static inline int32_t cs_round(float x)
{
#if defined(__thumb__) && defined(__ARM_FP) && (__ARM_FP & 4)
    int32_t rounded;
    __asm__("vcvtr.s32.f32 %1, %1\n\tvmov %0, %1" : "=r"(rounded), "+t"(x));
    return rounded;
#else
    x = x < -4194303.0f ? -4194303.0f : x;
    x = x > 4194303.0f ? 4194303.0f : x;
    return (int32_t)(cs_float_bits(x + CS_ROUND) - cs_float_bits(CS_ROUND));
#endif
}

static inline int32_t cs_limit(int32_t x, int32_t low, int32_t high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}

#endif

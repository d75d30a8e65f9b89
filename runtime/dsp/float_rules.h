/* SPDX-License-Identifier: Apache-2.0 */
/* The float rules of docs/numerics.md, held against compilers and flags that would bend them: a flag that can be seen is an
 * error, one that cannot is undone. float_rules_end.h closes what this opens: the last line of a file that includes this
 * one. */
#ifndef CODESIGN_FLOAT_RULES_H
#define CODESIGN_FLOAT_RULES_H

#include <stdint.h>

/* GCC names all that changes bits. Clang names only -ffast-math and -ffinite-math-only, and for Arm what __ARM_FP_FAST says. */
#if defined(__FAST_MATH__) || defined(__ARM_FP_FAST)
#error "no -ffast-math, -Ofast or -funsafe-math-optimizations for codesign's front end: other bits than the proven"
#endif
#if defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__)
#error "no -fassociative-math, -freciprocal-math or -funsafe-math-optimizations for codesign's front end: other bits than the proven"
#endif
#if defined(__NO_SIGNED_ZEROS__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error "no -fno-signed-zeros or -ffinite-math-only for codesign's front end: other bits than the proven"
#endif
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16
#error "this target computes float in a wider type, the output would differ (on x87: -msse2 -mfpmath=sse)"
#endif
#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 2)
#error "vectors of floats flush subnormals to zero: compile codesign's front end without them (-mcpu=cortex-m55+nomve.fp)"
#endif

#if defined(__clang__)
/* With -ffp-contract=fast, which -funsafe-math-optimizations brings along, the code generator fuses whatever the source says,
 * unless the core is said to have no instruction for it, or only a slow one. */
#if defined(__x86_64__) || defined(__i386__)
#pragma clang attribute push(__attribute__((target("no-fma,no-fma4"))), apply_to = function)
#elif defined(__arm__) && defined(__ARM_FP)
#pragma clang attribute push(__attribute__((target("slowfpvfmx"))), apply_to = function)
#else
#pragma clang attribute push
#endif
#if !defined(__arm__)
#pragma float_control(precise, on)
#elif __clang_major__ >= 18
#pragma clang fp reassociate(off) reciprocal(off)
#else
#pragma clang fp reassociate(off)
#endif
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#if __GNUC__ < 12 /* does not name what it was told */
#pragma GCC optimize("no-unsafe-math-optimizations,no-associative-math,no-reciprocal-math,signed-zeros")
#endif
#if defined(__FMA__) /* x86 with -march=haswell or the like: gcc 12's vectorizer emits VFMADDSUB in spite of that */
#pragma GCC optimize("no-tree-vectorize")
#endif
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

/* The float rules of docs/numerics.md, for compilers that would contract a * b + c into one rounding. -ffp-contract=off says the
 * same for the whole build; this holds where somebody forgets the flag. */
#ifndef CODESIGN_FLOAT_RULES_H
#define CODESIGN_FLOAT_RULES_H

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

#if defined(__FAST_MATH__)
#error "codesign's front end must not be compiled with -ffast-math: the output would differ from the proven one"
#endif

/* Nearest integer, ties to even, for |x| < 2^22: the sum's ulp is 1. */
static inline float cs_round_even(float x)
{
    return (x + 12582912.0f) - 12582912.0f;
}

#endif

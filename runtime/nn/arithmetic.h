/* SPDX-License-Identifier: Apache-2.0 */
/* Scalar arithmetic of docs/numerics.md. With the Arm DSP extension single instructions, elsewhere the same bits in C. */
#ifndef CODESIGN_NN_ARITHMETIC_H
#define CODESIGN_NN_ARITHMETIC_H

#include <stdint.h>

/* addend + floor(a * b / 2^32) */
static inline int32_t cs_multiply_high_add(int32_t a, int32_t b, int32_t addend)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t result;
    __asm__("smmla %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(addend));
    return result;
#elif defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1 /* Armv6-M has no long multiplication: by halves */
    const int32_t a_high = a >> 16, b_high = b >> 16;
    const int32_t a_low = (int32_t)(uint16_t)a, b_low = (int32_t)(uint16_t)b;
    const int32_t low = (int32_t)(((uint32_t)a_low * (uint32_t)b_low) >> 16);
    const int32_t one = a_high * b_low + low;
    const int32_t other = a_low * b_high + (int32_t)(uint16_t)one;

    return (int32_t)((uint32_t)addend + (uint32_t)(a_high * b_high + (one >> 16) + (other >> 16)));
#else
    return (int32_t)((uint32_t)addend + (uint32_t)(int32_t)(((int64_t)a * b) >> 32));
#endif
}

/* floor(a * b / 2^32) */
static inline int32_t cs_multiply_high(int32_t a, int32_t b)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t result;
    __asm__("smmul %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
    return result;
#else
    return cs_multiply_high_add(a, b, 0);
#endif
}

static inline int32_t cs_clamp(int32_t value, int32_t low, int32_t high)
{
    value = value < low ? low : value;
    return value > high ? high : value;
}

/* value clamped to [-32768, 32767] */
static inline int32_t cs_saturate_s16(int32_t value)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t result;
    __asm__("ssat %0, #16, %1" : "=r"(result) : "r"(value));
    return result;
#else
    return cs_clamp(value, -32768, 32767);
#endif
}

/* value clamped to [-127, 127] */
static inline int32_t cs_clamp_s8(int32_t value)
{
#if defined(__ARM_FEATURE_DSP)
    __asm__("ssat %0, #8, %0" : "+r"(value));
    return value < -127 ? -127 : value;
#else
    return cs_clamp(value, -127, 127);
#endif
}

/* TFLite's MultiplyByQuantizedMultiplier with single rounding: floor(value * multiplier * 2^(shift - 31) + 1/2).
 * |value| * 2^max(shift + 1, 0) < 2^30 and shift >= -30: python/codesign/compiler/lower refuses networks that could break this.
 * Two floors, of the high word and of the shift, are one. */
static inline int32_t cs_multiply_by_quantized_multiplier(int32_t value, int32_t multiplier, int32_t shift)
{
    const int32_t right = shift < 0 ? -shift : 1;
    const int32_t left = shift + right + 1;

    return cs_multiply_high_add((int32_t)((uint32_t)value << left), multiplier, 1 << (right - 1)) >> right;
}

/* The same for any |value| < 2^31 with shift <= -2, and |value| * 2^(shift + 1) < 2^30 above. */
static inline int32_t cs_multiply_by_quantized_multiplier_31(int32_t value, int32_t multiplier, int32_t shift)
{
    const int32_t right = shift < -1 ? -shift - 1 : 1;
    const int32_t left = shift + right + 1;

    return cs_multiply_high_add((int32_t)((uint32_t)value << left), multiplier, 1 << (right - 1)) >> right;
}

/* a * b. On Armv6-M without the compiler's library. */
static inline int64_t cs_multiply_wide(int32_t a, int32_t b)
{
#if defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1
    const uint32_t high = (uint32_t)cs_multiply_high(a, b);

    return (int64_t)(((uint64_t)high << 32) | (uint32_t)a * (uint32_t)b);
#else
    return (int64_t)a * b;
#endif
}

/* MultiplyByQuantizedMultiplier as TFLite's element-wise kernels have it, rounded twice: value * 2^max(shift, 0), which must fit, times
 * multiplier / 2^31 to the nearest, halves upwards; then by 2^max(-shift, 0), halves away from zero. */
static inline int32_t cs_multiply_twice_rounded(int32_t value, int32_t multiplier, int32_t shift)
{
    const int64_t product = cs_multiply_wide((int32_t)((uint32_t)value << (shift > 0 ? shift : 0)), multiplier);
    const uint32_t high = (uint32_t)((uint64_t)product >> 32), low = (uint32_t)product;
    const int32_t nearest = (int32_t)(((high << 1) | (low >> 31)) + ((low >> 30) & 1));

    return shift < 0 ? (nearest + ((int32_t)1 << (-shift - 1)) - (nearest < 0)) >> -shift : nearest;
}

/* addend + slope * q, slope being the high half of `word` and q an int16 */
static inline int32_t cs_slope_multiply_add(uint32_t word, int32_t q, int32_t addend)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t result;
    __asm__("smlatb %0, %1, %2, %3" : "=r"(result) : "r"(word), "r"(q), "r"(addend));
    return result;
#else
    return ((int32_t)word >> 16) * q + addend;
#endif
}

/* Product of the low halves, as int16, of a and b. */
static inline int32_t cs_multiply_low(int32_t a, int32_t b)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t result;
    __asm__("smulbb %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
    return result;
#else
    return (int32_t)(int16_t)a * (int16_t)b;
#endif
}

#define CS_TABLE_MIDDLE 256 /* index of the interval that starts at 0 */

/* Function of q (Q3.12) in the low 16 bits of the result, Q0.15; what stands above them has no meaning.
 * The table has 512 intervals on [-8, 8), `middle` points at the one for 0; each word is (slope << 16) | (uint16_t)base,
 * base being where the interval's chord meets q = 0 (layers/tables.py, chords). */
static inline int32_t cs_interpolate_low(const uint32_t *middle, int32_t q)
{
    const uint32_t word = middle[q >> 7];

    return (int32_t)(word + (uint32_t)(cs_slope_multiply_add(word, q, 64) >> 7));
}

static inline int16_t cs_interpolate(const uint32_t *table, int32_t q)
{
    return (int16_t)cs_interpolate_low(table + CS_TABLE_MIDDLE, q);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of products of int16 that fit an int32: two of them an instruction where the core has the DSP extension. */
#ifndef CODESIGN_DOT_S16_H
#define CODESIGN_DOT_S16_H

#include <stdint.h>

#if defined(__ARM_FEATURE_DSP)

/* Two neighbours; the first at any even address. */
static inline uint32_t cs_pair(const int16_t *x)
{
    uint32_t word;
    __builtin_memcpy(&word, x, 4);
    return word;
}

/* A place that the compiler does not know: rounds that it unrolls keep more than the core has registers for. */
static inline const int16_t *cs_unknown(const int16_t *x)
{
    __asm__("" : "+r"(x));
    return x;
}

static inline int32_t cs_add_pair(int32_t sum, uint32_t h, uint32_t x)
{
    __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(h), "r"(x));
    return sum;
}

#endif

/* h: 4-byte aligned; n: a multiple of 8. The sum does not leave 32 bits in any order. */
static inline int32_t cs_dot_s16(const int16_t *h, const int16_t *x, uint32_t n)
{
    int32_t sum = 0;
#if defined(__ARM_FEATURE_DSP)
    for (const int16_t *end = cs_unknown(h + n); h != end; h += 8, x += 8) {
        for (uint32_t i = 0; i < 8; i += 2) {
            sum = cs_add_pair(sum, cs_pair(__builtin_assume_aligned(h + i, 4)), cs_pair(x + i));
        }
    }
#else
    for (uint32_t i = 0; i < n; i++) {
        sum += h[i] * x[i];
    }
#endif
    return sum;
}

/* The same at x, and at one, two and three `stride` behind: h is read once for the four. */
__attribute__((always_inline)) static inline void cs_four_dots_s16(const int16_t *h, const int16_t *x, uint32_t stride, uint32_t n,
                                                                   int32_t *y)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t y0 = 0, y1 = 0, y2 = 0, y3 = 0;
    for (const int16_t *end = cs_unknown(h + n); h != end; h += 8, x += 8) {
        for (uint32_t i = 0; i < 8; i += 2) {
            const uint32_t pair = cs_pair(__builtin_assume_aligned(h + i, 4));
            y0 = cs_add_pair(y0, pair, cs_pair(x + i));
            y1 = cs_add_pair(y1, pair, cs_pair(x + stride + i));
            y2 = cs_add_pair(y2, pair, cs_pair(x + 2 * stride + i));
            y3 = cs_add_pair(y3, pair, cs_pair(x + 3 * stride + i));
        }
    }
    y[0] = y0, y[1] = y1, y[2] = y2, y[3] = y3;
#else
    for (uint32_t i = 0; i < 4; i++) {
        y[i] = cs_dot_s16(h, x + stride * i, n);
    }
#endif
}

/* The newest `kept` of kept + n samples come to the front, two at a time. */
static inline void cs_keep(int16_t *past, uint32_t kept, uint32_t n)
{
    for (; kept > 1; kept -= 2, past += 2) {
        uint32_t two;
        __builtin_memcpy(&two, past + n, 4);
        __builtin_memcpy(past, &two, 4);
    }
    if (kept > 0) {
        past[0] = past[n];
    }
}

#endif

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

static inline int32_t cs_add_pair(int32_t sum, const int16_t *h, const int16_t *x)
{
    __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(cs_pair(__builtin_assume_aligned(h, 4))), "r"(cs_pair(x)));
    return sum;
}

#endif

/* h: 4-byte aligned; n: a multiple of 8. The sum does not leave 32 bits in any order. */
static inline int32_t cs_dot_s16(const int16_t *h, const int16_t *x, uint32_t n)
{
    int32_t sum = 0;
#if defined(__ARM_FEATURE_DSP)
    for (const int16_t *end = h + n; h != end; h += 8, x += 8) {
        sum = cs_add_pair(sum, h, x);
        sum = cs_add_pair(sum, h + 2, x + 2);
        sum = cs_add_pair(sum, h + 4, x + 4);
        sum = cs_add_pair(sum, h + 6, x + 6);
    }
#else
    for (uint32_t i = 0; i < n; i++) {
        sum += h[i] * x[i];
    }
#endif
    return sum;
}

/* The newest `kept` of kept + n samples come to the front. */
static inline void cs_keep(int16_t *past, uint32_t kept, uint32_t n)
{
    for (uint32_t i = 0; i < kept; i++) {
        past[i] = past[i + n];
    }
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Sum and sum of squares of int16. */
#ifndef CODESIGN_NN_SUMS16_H
#define CODESIGN_NN_SUMS16_H

#include <stdint.h>

#if defined(__ARM_FEATURE_MVE)

/* Assembly: as cs_sums16. */
int32_t cs_sums16_vectors(const int16_t *x, uint32_t n, uint64_t *squares);

#endif

/* Sum of x[0..n), modulo 2^32, and of their squares. */
static inline int32_t cs_sums16(const int16_t *x, uint32_t n, uint64_t *squares)
{
#if defined(__ARM_FEATURE_MVE)
    return cs_sums16_vectors(x, n, squares);
#elif defined(__ARM_FEATURE_DSP)
    uint32_t low = 0, high = 0, word;
    int32_t sum = 0;

    for (; n >= 4; n -= 4, x += 4) {
        uint32_t next;

        __builtin_memcpy(&word, x, 4); /* such cores load words from any address */
        __builtin_memcpy(&next, x + 2, 4);
        __asm__("smlald %0, %1, %2, %2" : "+r"(low), "+r"(high) : "r"(word));
        __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(word), "r"(0x10001u));
        __asm__("smlald %0, %1, %2, %2" : "+r"(low), "+r"(high) : "r"(next));
        __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(next), "r"(0x10001u));
    }
    for (; n > 0; n--, x++) {
        __asm__("smlalbb %0, %1, %2, %2" : "+r"(low), "+r"(high) : "r"(*x));
        sum += *x;
    }
    *squares = ((uint64_t)high << 32) | low;
    return sum;
#else
    uint64_t square = 0;
    uint32_t sum = 0;

    for (; n > 0; n--, x++) {
        square += (uint32_t)(*x * *x);
        sum += (uint32_t)*x;
    }
    *squares = square;
    return (int32_t)sum;
#endif
}

/* The same of x[0], x[apart] ... */
static inline int32_t cs_sums16_apart(const int16_t *x, uint32_t n, uint32_t apart, uint64_t *squares)
{
    uint32_t sum = 0;
#if defined(__ARM_FEATURE_DSP)
    uint32_t low = 0, high = 0;

    for (; n > 0; n--, x += apart) {
        __asm__("smlalbb %0, %1, %2, %2" : "+r"(low), "+r"(high) : "r"((int32_t)*x));
        sum += (uint32_t)*x;
    }
    *squares = ((uint64_t)high << 32) | low;
#else
    uint64_t square = 0;

    for (; n > 0; n--, x += apart) {
        square += (uint32_t)(*x * *x);
        sum += (uint32_t)*x;
    }
    *squares = square;
#endif
    return (int32_t)sum;
}

#endif

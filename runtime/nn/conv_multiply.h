/* SPDX-License-Identifier: Apache-2.0 */
/* Four rows of int8 weights times pairs of int16 patches. The plain C is the contract; all forms give the same sums. */
#ifndef CODESIGN_NN_CONV_MULTIPLY_H
#define CODESIGN_NN_CONV_MULTIPLY_H

#include "codesign/conv.h"

/* Four rows of `columns` (a multiple of 4) packed weights to int16: columns 0 and 1 of the four rows, columns 2 and 3, ... */
static inline const int8_t *cs_conv_widen(const int8_t *packed, uint32_t columns, int16_t *wide)
{
    for (; columns > 0; columns -= 4, wide += 16) {
        for (uint32_t row = 0; row < 4; row++, packed += 4) {
#if defined(__ARM_FEATURE_DSP)
            uint32_t word, first, second;

            __builtin_memcpy(&word, __builtin_assume_aligned(packed, 4), 4);
            __asm__("sxtb16 %0, %1" : "=r"(first) : "r"(word));
            __asm__("sxtb16 %0, %1, ror #8" : "=r"(second) : "r"(word));
            __builtin_memcpy(__builtin_assume_aligned(wide + 2 * row, 4), &first, 4);
            __builtin_memcpy(__builtin_assume_aligned(wide + 2 * row + 8, 4), &second, 4);
#else
            wide[2 * row] = packed[0];
            wide[2 * row + 1] = packed[2];
            wide[2 * row + 8] = packed[1];
            wide[2 * row + 9] = packed[3];
#endif
        }
    }
    return packed;
}

#if defined(__ARM_FEATURE_DSP)

/* Without arm_acle.h, which not every toolchain has. */
static inline int32_t cs_two_products(uint32_t a, uint32_t b, int32_t sum)
{
    int32_t result;

    __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

#else

static inline int32_t cs_two_products(uint32_t a, uint32_t b, int32_t sum)
{
    const int32_t low = (int32_t)(int16_t)(a & 0xFFFFu) * (int16_t)(b & 0xFFFFu);
    const int32_t high = ((int32_t)a >> 16) * ((int32_t)b >> 16);

    return (int32_t)((uint32_t)sum + (uint32_t)low + (uint32_t)high);
}

#endif

/* Sums of four rows and one pair of patches: acc[row * stride] and acc[row * stride + 1]. */
static inline void cs_conv_multiply(const int16_t *weights, const int16_t *pair, uint32_t columns, const int32_t *bias,
                                    int32_t *acc, uint32_t stride)
{
    const uint32_t *w = (const uint32_t *)(const void *)weights, *x = (const uint32_t *)(const void *)pair;
    const uint32_t *end = x + columns;
    int32_t a0 = bias[0], b0 = a0, a1 = bias[1], b1 = a1, a2 = bias[2], b2 = a2, a3 = bias[3], b3 = a3;

    for (; x != end; w += 4, x += 2) {
        const uint32_t xa = x[0], xb = x[1];

        a0 = cs_two_products(w[0], xa, a0);
        b0 = cs_two_products(w[0], xb, b0);
        a1 = cs_two_products(w[1], xa, a1);
        b1 = cs_two_products(w[1], xb, b1);
        a2 = cs_two_products(w[2], xa, a2);
        b2 = cs_two_products(w[2], xb, b2);
        a3 = cs_two_products(w[3], xa, a3);
        b3 = cs_two_products(w[3], xb, b3);
    }
    acc[0] = a0, acc[1] = b0;
    acc += stride;
    acc[0] = a1, acc[1] = b1;
    acc += stride;
    acc[0] = a2, acc[1] = b2;
    acc += stride;
    acc[0] = a3, acc[1] = b3;
}

#endif

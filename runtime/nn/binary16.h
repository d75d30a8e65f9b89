/* SPDX-License-Identifier: Apache-2.0 */
/* The loops of cs_add_s16 and cs_multiply_s16: runs of neighbours, two elements a word where the core has the instructions. */
#ifndef CODESIGN_NN_BINARY16_H
#define CODESIGN_NN_BINARY16_H

#include "arithmetic.h"
#include "codesign/nn_elements.h"

/* Bits below a step of the result, of a sum and of a product: few where factors are so large that the product mostly saturates. */
#define CS_SUM_BITS 10
#define CS_PRODUCT_BITS 6
#define CS_FEW_BITS 2

/* What is added in front of the shift by `bits`: the rounding, less one step. Saturation puts the lowest number to -32768, and
 * the step is added again by one that saturates, too: results are -32767..32767. */
#define CS_LESS_ONE(bits) ((1 << ((bits) - 1)) - (1 << (bits)))

/* value >> bits, saturated to int16; one instruction where `bits` is known. */
static inline __attribute__((always_inline)) int32_t cs_shifted16(int32_t value, int bits)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t result;

    __asm__("ssat %0, #16, %1, asr %2" : "=r"(result) : "r"(value), "i"(bits));
    return result;
#else
    return cs_saturate_s16(value >> bits);
#endif
}

static inline __attribute__((always_inline)) int16_t cs_rounded16(int32_t value, int bits)
{
    return (int16_t)cs_saturate_s16(cs_shifted16(value + CS_LESS_ONE(bits), bits) + 1);
}

#if defined(__ARM_FEATURE_DSP) && !defined(__ARM_FEATURE_MVE)
#define CS_BY_WORDS 1

static inline uint32_t cs_word_at(const int16_t *at)
{
    uint32_t word;

    __builtin_memcpy(&word, at, 4); /* such cores load words from any address */
    return word;
}

#define CS_TWO_OPERANDS(name)                                                    \
    static inline int32_t cs_##name(uint32_t a, uint32_t b)                      \
    {                                                                            \
        int32_t result;                                                          \
        __asm__(#name " %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));            \
        return result;                                                           \
    }

CS_TWO_OPERANDS(smulbb)
CS_TWO_OPERANDS(smultb)
CS_TWO_OPERANDS(smultt)

/* Four numbers with `bits` below a step and one step less than the result, to y. In an order in which none waits. */
static inline __attribute__((always_inline)) void cs_store_four(int16_t *y, int32_t a, int32_t b, int32_t c, int32_t d, int bits)
{
    __asm__("ssat %0, #16, %0, asr %5\n\t"
            "ssat %1, #16, %1, asr %5\n\t"
            "ssat %2, #16, %2, asr %5\n\t"
            "ssat %3, #16, %3, asr %5\n\t"
            "pkhbt %0, %0, %1, lsl #16\n\t"
            "pkhbt %2, %2, %3, lsl #16\n\t"
            "qadd16 %0, %0, %4\n\t"
            "qadd16 %2, %2, %4"
            : "+r"(a), "+r"(b), "+r"(c), "+r"(d)
            : "r"(0x10001), "i"(bits));
    __builtin_memcpy(y, &a, 4);
    __builtin_memcpy(y + 2, &c, 4);
}

#else
#define CS_BY_WORDS 0
#endif

/* `run` for each run of shape[3] elements: left, right and y point to their first. */
#define CS_FOR_RUNS16(layer, left, right, y, run)                                                              \
    for (uint32_t i_ = 0; i_ < (layer)->shape[0]; i_++) {                                                      \
        for (uint32_t j_ = 0; j_ < (layer)->shape[1]; j_++) {                                                  \
            const int16_t *a = (left) + i_ * (layer)->left_stride[0] + j_ * (layer)->left_stride[1];           \
            const int16_t *b = (right) + i_ * (layer)->right_stride[0] + j_ * (layer)->right_stride[1];        \
                                                                                                               \
            for (uint32_t k_ = 0; k_ < (layer)->shape[2]; k_++) {                                              \
                run;                                                                                           \
                a += (layer)->left_stride[2];                                                                  \
                b += (layer)->right_stride[2];                                                                 \
                (y) += (layer)->shape[3];                                                                      \
            }                                                                                                  \
        }                                                                                                      \
    }

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "binary16.h"

/* floor(value * multiplier / 2^16) + addend */
static inline int32_t weighted(int32_t multiplier, int32_t value, int32_t addend)
{
    return cs_multiply_high_add((int32_t)((uint32_t)value << 16), multiplier, addend);
}

#if defined(__ARM_FEATURE_MVE)

/* Assembly: cs_binary_runs_mve.S. */
void cs_add_run(const int32_t *multipliers, const int16_t *a, const int16_t *b, int16_t *y, uint32_t n);

#elif CS_BY_WORDS

/* Four of both, in an order in which none waits, and with no register too many. */
#define ADD_FOUR                                          \
    "ldr %[word], [%[a]], #4\n\t"                         \
    "ldr %[other], [%[a]], #4\n\t"                        \
    "smlawb %[one], %[left], %[word], %[round]\n\t"       \
    "smlawt %[two], %[left], %[word], %[round]\n\t"       \
    "ldr %[word], [%[b]], #4\n\t"                         \
    "smlawb %[three], %[left], %[other], %[round]\n\t"    \
    "smlawt %[four], %[left], %[other], %[round]\n\t"     \
    "ldr %[other], [%[b]], #4\n\t"                        \
    "smlawb %[one], %[right], %[word], %[one]\n\t"        \
    "smlawt %[two], %[right], %[word], %[two]\n\t"        \
    "smlawb %[three], %[right], %[other], %[three]\n\t"   \
    "smlawt %[four], %[right], %[other], %[four]\n\t"     \
    "ssat %[one], #16, %[one], asr %[bits]\n\t"           \
    "ssat %[two], #16, %[two], asr %[bits]\n\t"           \
    "ssat %[three], #16, %[three], asr %[bits]\n\t"       \
    "ssat %[four], #16, %[four], asr %[bits]\n\t"         \
    "pkhbt %[one], %[one], %[two], lsl #16\n\t"           \
    "mov %[two], #0x00010001\n\t"                         \
    "pkhbt %[three], %[three], %[four], lsl #16\n\t"      \
    "qadd16 %[one], %[one], %[two]\n\t"                   \
    "qadd16 %[three], %[three], %[two]\n\t"              \
    "str %[one], [%[y]], #4\n\t"                          \
    "str %[three], [%[y]], #4\n\t"

/* `n`, a multiple of 4 and not 0, of both: eight a round, four in front of them where they are left over. */
static inline void add_fours(int32_t left, int32_t right, const int16_t **a, const int16_t **b, int16_t **y, uint32_t n)
{
    uint32_t word, other;
    int32_t one, two, three, four;

    __asm__ volatile("tst %[n], #4\n\t"
                     "beq 1f\n\t"
                     ADD_FOUR
                     "subs %[n], %[n], #4\n\t"
                     "beq 2f\n\t"
                     "1:\n\t"
                     ADD_FOUR
                     ADD_FOUR
                     "subs %[n], %[n], #8\n\t"
                     "bne 1b\n\t"
                     "2:"
                     : [word] "=&r"(word), [other] "=&r"(other), [one] "=&r"(one), [two] "=&r"(two), [three] "=&r"(three),
                       [four] "=&r"(four), [a] "+&r"(*a), [b] "+&r"(*b), [y] "+&r"(*y), [n] "+&r"(n)
                     : [left] "r"(left), [right] "r"(right), [round] "r"(CS_LESS_ONE(CS_SUM_BITS)), [bits] "i"(CS_SUM_BITS)
                     : "cc", "memory");
}

#endif

/* Neighbours of both; n elements. */
static __attribute__((noinline)) void add_runs(const cs_binary16 *layer, const int16_t *a, const int16_t *b, int16_t *y,
                                               uint32_t n)
{
#if defined(__ARM_FEATURE_MVE)
    const int32_t multipliers[2] = {layer->left, layer->right};

    cs_add_run(multipliers, a, b, y, n);
#else
    const int32_t left = layer->left, right = layer->right;

#if CS_BY_WORDS
    if (n >= 4) {
        add_fours(left, right, &a, &b, &y, n & ~3u);
        n &= 3u;
    }
#endif
    for (; n > 0; n--) {
        *y++ = cs_rounded16(weighted(right, *b++, weighted(left, *a++, 0)), CS_SUM_BITS);
    }
#endif
}

void cs_add_s16(const cs_binary16 *layer, const int16_t *left, const int16_t *right, int16_t *y)
{
    const uint32_t n = layer->shape[3], p = layer->left_stride[3], q = layer->right_stride[3];

    if (p == 1 && q == 1) {
        CS_FOR_RUNS16(layer, left, right, y, add_runs(layer, a, b, y, n))
        return;
    }
    CS_FOR_RUNS16(layer, left, right, y, for (uint32_t l = 0; l < n; l++) {
        y[l] = cs_rounded16(weighted(layer->right, b[l * q], weighted(layer->left, a[l * p], 0)), CS_SUM_BITS);
    })
}

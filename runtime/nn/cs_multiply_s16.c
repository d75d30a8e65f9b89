/* SPDX-License-Identifier: Apache-2.0 */
#include "binary16.h"

#if defined(__ARM_FEATURE_MVE)

/* Assembly: cs_binary_runs_mve.S. */
void cs_multiply_run(const int32_t *multiplier, const int16_t *a, const int16_t *b, int16_t *y, uint32_t n, uint32_t same);

#endif

static inline int16_t product(int32_t multiplier, int32_t a, int32_t b)
{
    return cs_rounded16(cs_multiply_high(a * b, multiplier), CS_PRODUCT_BITS);
}

#if CS_BY_WORDS

/* Four products, multiplied, to y. */
static inline __attribute__((always_inline)) void multiply_four(int32_t multiplier, int32_t a, int32_t b, int32_t c, int32_t d,
                                                                int16_t *y)
{
    __asm__("smmla %0, %0, %4, %5\n\t"
            "smmla %1, %1, %4, %5\n\t"
            "smmla %2, %2, %4, %5\n\t"
            "smmla %3, %3, %4, %5"
            : "+r"(a), "+r"(b), "+r"(c), "+r"(d)
            : "r"(multiplier), "r"(CS_LESS_ONE(CS_PRODUCT_BITS)));
    cs_store_four(y, a, b, c, d, CS_PRODUCT_BITS);
}

#endif

/* Neighbours of a; of b neighbours, or one element all along. */
static __attribute__((noinline)) void multiply_runs(int32_t multiplier, const int16_t *a, const int16_t *b, uint32_t b_step,
                                                    int16_t *y, uint32_t n)
{
#if defined(__ARM_FEATURE_MVE)
    cs_multiply_run(&multiplier, a, b, y, n, b_step == 0);
#else
#if CS_BY_WORDS
    if (b_step == 0) {
        const uint32_t other = (uint32_t)*b;

        for (; n >= 4; n -= 4, a += 4, y += 4) {
            const uint32_t a0 = cs_word_at(a), a1 = cs_word_at(a + 2);

            multiply_four(multiplier, cs_smulbb(a0, other), cs_smultb(a0, other), cs_smulbb(a1, other), cs_smultb(a1, other), y);
        }
    } else {
        for (; n >= 4; n -= 4, a += 4, b += 4, y += 4) {
            const uint32_t a0 = cs_word_at(a), b0 = cs_word_at(b), a1 = cs_word_at(a + 2), b1 = cs_word_at(b + 2);

            multiply_four(multiplier, cs_smulbb(a0, b0), cs_smultt(a0, b0), cs_smulbb(a1, b1), cs_smultt(a1, b1), y);
        }
    }
#endif
    for (; n > 0; n--, b += b_step) {
        *y++ = product(multiplier, *a++, *b);
    }
#endif
}

void cs_multiply_s16(const cs_binary16 *layer, const int16_t *left, const int16_t *right, int16_t *y)
{
    const uint32_t n = layer->shape[3], p = layer->left_stride[3], q = layer->right_stride[3];
    const int32_t multiplier = layer->left;

    if (p == 1 && q <= 1) {
        CS_FOR_RUNS16(layer, left, right, y, multiply_runs(multiplier, a, b, q, y, n))
        return;
    }
    CS_FOR_RUNS16(layer, left, right, y, for (uint32_t l = 0; l < n; l++) {
        y[l] = product(multiplier, a[l * p], b[l * q]);
    })
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "binary16.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>

/* Assembly: cs_binary_runs_mve.S. */
void cs_multiply_run(const int32_t *multiplier, const int16_t *a, const int16_t *b, int16_t *y, uint32_t n, uint32_t same);

/* Assembly there: `runs` (not 0) runs of n neighbours, each with one element of b, `next` bytes from the one before. */
void cs_multiply_same(const int32_t *multiplier, const int16_t *a, const int16_t *b, int16_t *y, uint32_t n, uint32_t runs,
                      uint32_t next);

/* Whether runs of a follow one another, each with one element of b: all of a row of runs in one call. */
static int multiply_same(const cs_binary16 *layer, const int16_t *left, const int16_t *right, int16_t *y)
{
    const uint32_t n = layer->shape[3], runs = layer->shape[2];

    if (layer->left_stride[3] != 1 || layer->right_stride[3] != 0 || layer->left_stride[2] != n ||
        layer->right == CS_FEW_BITS || runs == 0) {
        return 0;
    }
    for (uint32_t i = 0; i < layer->shape[0]; i++) {
        for (uint32_t j = 0; j < layer->shape[1]; j++, y += runs * n) {
            cs_multiply_same(&layer->left, left + i * layer->left_stride[0] + j * layer->left_stride[1],
                             right + i * layer->right_stride[0] + j * layer->right_stride[1], y, n, runs,
                             2 * layer->right_stride[2]);
        }
    }
    return 1;
}

#endif

static inline __attribute__((always_inline)) int16_t product(int32_t multiplier, int32_t a, int32_t b, int bits)
{
    return cs_rounded16(cs_multiply_high(a * b, multiplier), bits);
}

#if CS_BY_WORDS

/* Four products, multiplied, to y. */
static inline __attribute__((always_inline)) void multiply_four(int32_t multiplier, int32_t a, int32_t b, int32_t c, int32_t d,
                                                                int16_t *y, int bits)
{
    __asm__("smmla %0, %0, %4, %5\n\t"
            "smmla %1, %1, %4, %5\n\t"
            "smmla %2, %2, %4, %5\n\t"
            "smmla %3, %3, %4, %5"
            : "+r"(a), "+r"(b), "+r"(c), "+r"(d)
            : "r"(multiplier), "r"(CS_LESS_ONE(bits)));
    cs_store_four(y, a, b, c, d, bits);
}

#endif

/* Neighbours of a; of b neighbours, or one element all along. */
static inline __attribute__((always_inline)) void multiply_run(int32_t multiplier, const int16_t *a, const int16_t *b,
                                                               uint32_t b_step, int16_t *y, uint32_t n, int bits)
{
#if defined(__ARM_FEATURE_MVE)
    if (bits == CS_PRODUCT_BITS) {
        cs_multiply_run(&multiplier, a, b, y, n, b_step == 0);
        return;
    }
    for (int32_t rest = (int32_t)n; rest > 0; rest -= 4, a += 4, b += 4 * b_step, y += 4) {
        const mve_pred16_t real = vctp32q((uint32_t)rest);
        const int32x4_t other = b_step ? vldrhq_z_s32(b, real) : vdupq_n_s32(*b);
        const int32x4_t products = vmulq_s32(vldrhq_z_s32(a, real), other);
        const int32x4_t scaled = vrshlq_s32(vmulhq_s32(products, vdupq_n_s32(multiplier)), vdupq_n_s32(-bits));

        vstrhq_p_s32(y, vmaxq_s32(vminq_s32(scaled, vdupq_n_s32(32767)), vdupq_n_s32(-32767)), real);
    }
#else
#if CS_BY_WORDS
    if (b_step == 0) {
        const uint32_t other = (uint32_t)*b;

        for (; n >= 4; n -= 4, a += 4, y += 4) {
            const uint32_t a0 = cs_word_at(a), a1 = cs_word_at(a + 2);

            multiply_four(multiplier, cs_smulbb(a0, other), cs_smultb(a0, other), cs_smulbb(a1, other), cs_smultb(a1, other), y,
                          bits);
        }
    } else {
        for (; n >= 4; n -= 4, a += 4, b += 4, y += 4) {
            const uint32_t a0 = cs_word_at(a), b0 = cs_word_at(b), a1 = cs_word_at(a + 2), b1 = cs_word_at(b + 2);

            multiply_four(multiplier, cs_smulbb(a0, b0), cs_smultt(a0, b0), cs_smulbb(a1, b1), cs_smultt(a1, b1), y, bits);
        }
    }
#endif
    for (; n > 0; n--, b += b_step) {
        *y++ = product(multiplier, *a++, *b, bits);
    }
#endif
}

static __attribute__((noinline)) void multiply_runs(int32_t multiplier, const int16_t *a, const int16_t *b, uint32_t b_step,
                                                    int16_t *y, uint32_t n)
{
    multiply_run(multiplier, a, b, b_step, y, n, CS_PRODUCT_BITS);
}

static __attribute__((noinline)) void multiply_few(int32_t multiplier, const int16_t *a, const int16_t *b, uint32_t b_step,
                                                   int16_t *y, uint32_t n)
{
    multiply_run(multiplier, a, b, b_step, y, n, CS_FEW_BITS);
}

void cs_multiply_s16(const cs_binary16 *layer, const int16_t *left, const int16_t *right, int16_t *y)
{
    const uint32_t n = layer->shape[3], p = layer->left_stride[3], q = layer->right_stride[3];
    const int32_t multiplier = layer->left;
    const int few = layer->right == CS_FEW_BITS;

#if defined(__ARM_FEATURE_MVE)
    if (multiply_same(layer, left, right, y)) {
        return;
    }
#endif
    if (p == 1 && q <= 1 && few) {
        CS_FOR_RUNS16(layer, left, right, y, multiply_few(multiplier, a, b, q, y, n))
        return;
    }
    if (p == 1 && q <= 1) {
        CS_FOR_RUNS16(layer, left, right, y, multiply_runs(multiplier, a, b, q, y, n))
        return;
    }
    CS_FOR_RUNS16(layer, left, right, y, for (uint32_t l = 0; l < n; l++) {
        y[l] = few ? product(multiplier, a[l * p], b[l * q], CS_FEW_BITS) : product(multiplier, a[l * p], b[l * q], CS_PRODUCT_BITS);
    })
}

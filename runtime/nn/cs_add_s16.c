/* SPDX-License-Identifier: Apache-2.0 */
#include "binary16.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
#endif

/* floor(value * multiplier / 2^16) + addend */
static inline int32_t weighted(int32_t multiplier, int32_t value, int32_t addend)
{
    return cs_multiply_high_add((int32_t)((uint32_t)value << 16), multiplier, addend);
}

#if CS_BY_WORDS

static inline __attribute__((always_inline)) void add_four(int32_t left, int32_t right, const int16_t *a, const int16_t *b,
                                                           int16_t *y)
{
    const uint32_t a0 = cs_word_at(a), a1 = cs_word_at(a + 2), b0 = cs_word_at(b), b1 = cs_word_at(b + 2);
    int32_t one, two, three, four;

    __asm__("smlawb %0, %4, %6, %10\n\t"
            "smlawt %1, %4, %6, %10\n\t"
            "smlawb %2, %4, %7, %10\n\t"
            "smlawt %3, %4, %7, %10\n\t"
            "smlawb %0, %5, %8, %0\n\t"
            "smlawt %1, %5, %8, %1\n\t"
            "smlawb %2, %5, %9, %2\n\t"
            "smlawt %3, %5, %9, %3"
            : "=&r"(one), "=&r"(two), "=&r"(three), "=&r"(four)
            : "r"(left), "r"(right), "r"(a0), "r"(a1), "r"(b0), "r"(b1), "r"(CS_LESS_ONE(CS_SUM_BITS)));
    cs_store_four(y, one, two, three, four, CS_SUM_BITS);
}

#endif

/* Neighbours of both; n elements. */
static __attribute__((noinline)) void add_runs(const cs_binary16 *layer, const int16_t *a, const int16_t *b, int16_t *y,
                                               uint32_t n)
{
    const int32_t left = layer->left, right = layer->right;

#if defined(__ARM_FEATURE_MVE)
    for (int32_t rest = (int32_t)n; rest > 0; rest -= 4, a += 4, b += 4, y += 4) {
        const mve_pred16_t real = vctp32q((uint32_t)rest);
        const int32x4_t one = vmulhq_s32(vshlq_n_s32(vldrhq_z_s32(a, real), 16), vdupq_n_s32(left));
        const int32x4_t two = vmulhq_s32(vshlq_n_s32(vldrhq_z_s32(b, real), 16), vdupq_n_s32(right));
        const int32x4_t sum = vrshrq_n_s32(vaddq_s32(one, two), CS_SUM_BITS);

        vstrhq_p_s32(y, vmaxq_s32(vminq_s32(sum, vdupq_n_s32(32767)), vdupq_n_s32(-32767)), real);
    }
#else
#if CS_BY_WORDS
    for (; n >= 8; n -= 8, a += 8, b += 8, y += 8) {
        add_four(left, right, a, b, y);
        add_four(left, right, a + 4, b + 4, y + 4);
    }
    if (n >= 4) {
        add_four(left, right, a, b, y);
        n -= 4, a += 4, b += 4, y += 4;
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

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
    const int32_t round = CS_LESS_ONE(CS_SUM_BITS);

    for (; n >= 4; n -= 4, a += 4, b += 4, y += 4) {
        const uint32_t a0 = cs_word_at(a), a1 = cs_word_at(a + 2), b0 = cs_word_at(b), b1 = cs_word_at(b + 2);
        const int32_t s0 = cs_smlawb(left, a0, round), s1 = cs_smlawt(left, a0, round);
        const int32_t s2 = cs_smlawb(left, a1, round), s3 = cs_smlawt(left, a1, round);
        const int32_t t0 = cs_smlawb(right, b0, s0), t1 = cs_smlawt(right, b0, s1);
        const int32_t t2 = cs_smlawb(right, b1, s2), t3 = cs_smlawt(right, b1, s3);

        cs_store_two(y, cs_shifted16(t0, CS_SUM_BITS), cs_shifted16(t1, CS_SUM_BITS));
        cs_store_two(y + 2, cs_shifted16(t2, CS_SUM_BITS), cs_shifted16(t3, CS_SUM_BITS));
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

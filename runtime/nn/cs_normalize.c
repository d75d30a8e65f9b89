/* SPDX-License-Identifier: Apache-2.0 */
/* Layer normalization in integers: exact sums, the reciprocal root of n^2 * variance, one product an element. */
#include "broadcast.h"
#include "reciprocal_root.h"
#include "sums16.h"

/* a * n for n < 2^16, by products of 32 bits. */
static uint64_t times(uint64_t a, uint32_t n)
{
    const uint32_t low = (uint32_t)a;

    return ((uint64_t)(n * (uint32_t)(a >> 32)) << 32) + ((uint64_t)(n * (low >> 16)) << 16) + n * (low & 0xffffu);
}

/* What the row's elements have in common: factor times element - sum, shifted, is the deviation in Q21 of the standard one. */
typedef struct row {
    int32_t sum, factor;
    int32_t left; /* negative: right */
} row;

static inline int32_t shifted(int32_t value, int32_t left)
{
    return left >= 0 ? (int32_t)((uint32_t)value << left) : value >> -left;
}

/* One after the other, any types. */
static void finish(const cs_norm *layer, const row *row, const void *x, uint32_t first, void *y)
{
    for (uint32_t i = 0; i < layer->n; i++) {
        const int32_t deviation = (int32_t)layer->n * cs_element(x, first + i, layer->wide_in) - row->sum;
        const int32_t unit = cs_multiply_high(shifted(deviation, row->left), row->factor); /* Q21 */
        const int32_t value = cs_multiply_high_add(unit * 16, layer->gain[i], layer->bias[i]) >> layer->gain_bits;

        cs_store_element(y, first + i, layer->wide, cs_clamp(value, layer->low, layer->high));
    }
}

#if defined(__ARM_FEATURE_MVE)
#define BY_VECTORS 1

static void finish16(const cs_norm *layer, const row *row, const int16_t *x, int16_t *y)
{
    const int32_t *gain = layer->gain, *bias = layer->bias;

    for (int32_t rest = (int32_t)layer->n; rest > 0; rest -= 4, x += 4, y += 4, gain += 4, bias += 4) {
        const mve_pred16_t real = vctp32q((uint32_t)rest);
        const int32x4_t scaled = vmulq_n_s32(vldrhq_z_s32(x, real), (int32_t)layer->n);
        const int32x4_t deviation = vshlq_r_s32(vsubq_n_s32(scaled, row->sum), row->left);
        const int32x4_t unit = vshlq_n_s32(vmulhq_s32(deviation, vdupq_n_s32(row->factor)), 4);
        const int32x4_t value = vaddq_s32(vmulhq_s32(unit, vldrwq_z_s32(gain, real)), vldrwq_z_s32(bias, real));
        const int32x4_t result = vshlq_r_s32(value, -(int32_t)layer->gain_bits);

        vstrhq_p_s32(y, vmaxq_s32(vminq_s32(result, vdupq_n_s32(layer->high)), vdupq_n_s32(layer->low)), real);
    }
}

#elif defined(__ARM_FEATURE_DSP)
#define BY_VECTORS 1

static inline __attribute__((always_inline)) void finish_two(const cs_norm *layer, const row *row, const int16_t *x,
                                                             int16_t *y, int up)
{
    const int32_t n = (int32_t)layer->n, minus = -row->sum, factor = row->factor, gain_bits = layer->gain_bits;
    const int32_t shift = up ? row->left : -row->left, *gain = layer->gain, *bias = layer->bias;

    for (uint32_t left = layer->n / 2; left > 0; left--, x += 2, y += 2, gain += 2, bias += 2) {
        uint32_t two;
        int32_t one, other;

        __builtin_memcpy(&two, x, 4);
        __asm__("smlabb %0, %2, %3, %4\n\t"
                "smlatb %1, %2, %3, %4"
                : "=&r"(one), "=&r"(other)
                : "r"(two), "r"(n), "r"(minus));
        one = up ? (int32_t)((uint32_t)one << shift) : one >> shift;
        other = up ? (int32_t)((uint32_t)other << shift) : other >> shift;
        __asm__("smmul %0, %0, %4\n\t"
                "smmul %1, %1, %4\n\t"
                "lsl %0, %0, #4\n\t"
                "lsl %1, %1, #4\n\t"
                "smmla %0, %0, %2, %5\n\t"
                "smmla %1, %1, %3, %6\n\t"
                "asr %0, %0, %7\n\t"
                "asr %1, %1, %7\n\t"
                "ssat %0, #16, %0\n\t"
                "ssat %1, #16, %1\n\t"
                "pkhbt %0, %0, %1, lsl #16\n\t"
                "qsub16 %0, %0, %8\n\t" /* -32768 stays, and becomes -32767 */
                "sadd16 %0, %0, %8"
                : "+&r"(one), "+&r"(other)
                : "r"(gain[0]), "r"(gain[1]), "r"(factor), "r"(bias[0]), "r"(bias[1]), "r"(gain_bits), "r"(0x10001));
        two = (uint32_t)one;
        __builtin_memcpy(y, &two, 4);
    }
}

/* n is even, the range that of int16. */
static void finish16(const cs_norm *layer, const row *row, const int16_t *x, int16_t *y)
{
    if (row->left >= 0) {
        finish_two(layer, row, x, y, 1);
    } else {
        finish_two(layer, row, x, y, 0);
    }
}

#else
#define BY_VECTORS 0
#endif

static void normalize_row(const cs_norm *layer, const void *x, uint32_t first, void *y)
{
    const uint32_t n = layer->n;
    int32_t sum = 0;
    uint64_t squares = 0;

    if (layer->wide_in) {
        sum = cs_sums16((const int16_t *)x + first, n, &squares);
    } else {
        for (uint32_t i = 0; i < n; i++) {
            const int32_t value = ((const int8_t *)x)[first + i];

            sum += value;
            squares += (uint32_t)(value * value);
        }
    }
    const uint64_t variance = times(squares, n) - (uint64_t)cs_multiply_wide(sum, sum) + layer->epsilon;
    uint32_t high = (uint32_t)(variance >> 32), low = (uint32_t)variance;
    uint32_t halves = 0; /* of the shift that puts the highest bit into the upper two */

    if (high == 0) {
        high = low;
        low = 0;
        halves = 16;
    }
    const uint32_t zeros = cs_leading_zeros(high | 1) & ~1u;
    if (zeros > 0) {
        high = (high << zeros) | (low >> (32 - zeros));
    }
    halves += zeros / 2;
    const row row = {sum, high ? cs_reciprocal_root((int32_t)(high >> 1)) : 0, (int32_t)halves - 8};

#if BY_VECTORS
    if (layer->wide_in && layer->wide && layer->low == -32767 && layer->high == 32767 && n % 2 == 0) {
        finish16(layer, &row, (const int16_t *)x + first, (int16_t *)y + first);
        return;
    }
#endif
    finish(layer, &row, x, first, y);
}

void cs_normalize(const cs_norm *layer, const void *x, void *y)
{
    for (uint32_t row = 0; row < layer->rows; row++) {
        normalize_row(layer, x, row * layer->n, y);
    }
}

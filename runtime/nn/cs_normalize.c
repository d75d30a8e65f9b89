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
typedef struct row_moments {
    int32_t sum, factor;
    int32_t left; /* negative: right */
} row_moments;

static inline int32_t shifted(int32_t value, int32_t left)
{
    return left >= 0 ? (int32_t)((uint32_t)value << left) : value >> -left;
}

/* One after the other, any types. */
static void finish(const cs_norm *layer, const row_moments *row, const void *x, uint32_t first, void *y)
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

/* What cs_normalize_run reads. */
typedef struct cs_normal {
    const int32_t *gain, *bias;
    int32_t sum, left, bits, factor;
} cs_normal;

/* Assembly: cs_normalize_run_mve.S. */
void cs_normalize_run(const cs_normal *row, const int16_t *x, int16_t *y, uint32_t n);

static void finish16(const cs_norm *layer, const row_moments *row, const int16_t *x, int16_t *y)
{
    const cs_normal normal = {layer->gain, layer->bias, row->sum, row->left, -(int32_t)layer->gain_bits, row->factor};

    cs_normalize_run(&normal, x, y, layer->n);
}

#elif defined(__ARM_FEATURE_DSP)
#define BY_VECTORS 1

/* Two elements a round, in an order in which few wait, and with no register too many: n stands above its shift. */
#define FINISH_TWO(shift)                                                                                                      \
    __asm__ volatile("1:\n\t"                                                                                                  \
                     "ldr %[other], [%[x]], #4\n\t"                                                                            \
                     "ldr %[by], [%[gain]], #4\n\t"                                                                            \
                     "smlabt %[one], %[other], %[n], %[minus]\n\t"                                                             \
                     "smlatt %[other], %[other], %[n], %[minus]\n\t"                                                           \
                     shift " %[one], %[one], %[n]\n\t"                                                                         \
                     shift " %[other], %[other], %[n]\n\t"                                                                     \
                     "ldr %[add], [%[bias]], #4\n\t"                                                                           \
                     "smmul %[one], %[one], %[factor]\n\t"                                                                     \
                     "smmul %[other], %[other], %[factor]\n\t"                                                                 \
                     "lsl %[one], %[one], #4\n\t"                                                                              \
                     "lsl %[other], %[other], #4\n\t"                                                                          \
                     "smmla %[one], %[one], %[by], %[add]\n\t"                                                                 \
                     "ldr %[by], [%[gain]], #4\n\t"                                                                            \
                     "ldr %[add], [%[bias]], #4\n\t"                                                                           \
                     "asr %[one], %[one], %[bits]\n\t"                                                                         \
                     "smmla %[other], %[other], %[by], %[add]\n\t"                                                             \
                     "ssat %[one], #16, %[one]\n\t"                                                                            \
                     "mov %[by], #0x00010001\n\t"                                                                              \
                     "asr %[other], %[other], %[bits]\n\t"                                                                     \
                     "ssat %[other], #16, %[other]\n\t"                                                                        \
                     "cmp %[x], %[end]\n\t"                                                                                    \
                     "pkhbt %[one], %[one], %[other], lsl #16\n\t"                                                             \
                     "qsub16 %[one], %[one], %[by]\n\t" /* -32768 stays, and becomes -32767 */                                 \
                     "sadd16 %[one], %[one], %[by]\n\t"                                                                        \
                     "str %[one], [%[y]], #4\n\t"                                                                              \
                     "bne 1b"                                                                                                  \
                     : [one] "=&r"(one), [other] "=&r"(other), [by] "=&r"(by), [add] "=&r"(add), [x] "+&r"(x), [y] "+&r"(y),   \
                       [gain] "+&r"(gain), [bias] "+&r"(bias)                                                                  \
                     : [n] "r"(n), [minus] "r"(-row->sum), [factor] "r"(row->factor), [bits] "r"((int32_t)layer->gain_bits),   \
                       [end] "r"(end)                                                                                          \
                     : "cc", "memory")

/* n is even, the range that of int16. */
static __attribute__((noinline)) void finish16(const cs_norm *layer, const row_moments *row, const int16_t *x, int16_t *y)
{
    const uint32_t n = layer->n << 16 | (uint32_t)(row->left >= 0 ? row->left : -row->left);
    const int32_t *gain = layer->gain, *bias = layer->bias;
    const int16_t *end = x + layer->n;
    int32_t one, other, by, add;

    if (row->left >= 0) {
        FINISH_TWO("lsl");
    } else {
        FINISH_TWO("asr");
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
    const row_moments row = {sum, high ? cs_reciprocal_root((int32_t)(high >> 1)) : 0, (int32_t)halves - 8};

#if BY_VECTORS
    if (layer->wide_in && layer->wide && layer->low == -32767 && layer->high == 32767 && n % 2 == 0 && n > 0) {
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

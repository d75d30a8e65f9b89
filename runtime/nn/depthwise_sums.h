/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of one row of results of a depthwise convolution. */
#ifndef CODESIGN_NN_DEPTHWISE_SUMS_H
#define CODESIGN_NN_DEPTHWISE_SUMS_H

#include "codesign/conv.h"
#include "conv_patches.h"

/* What the results of one row read: `rows` rows of the source, `apart` elements from one to the next. */
typedef struct cs_depthwise_run {
    const void *x;         /* the first row */
    const int8_t *weights; /* of the first row */
    uint32_t rows, apart;
    int32_t bias, zero_point;
} cs_depthwise_run;

#if defined(__ARM_FEATURE_MVE)

/* Assembly: cs_depthwise_taps_mve.S. `count` sums from element `at` on; taps in padding add nothing. */
void cs_depthwise_taps_s16(const cs_depthwise_run *run, const cs_conv_axis *axis, int32_t at, uint32_t count, int32_t *acc);
void cs_depthwise_taps_s8(const cs_depthwise_run *run, const cs_conv_axis *axis, int32_t at, uint32_t count, int32_t *acc);

static inline void cs_depthwise_sums(const cs_depthwise_run *run, const cs_conv_axis *axis, int32_t at, uint32_t count,
                                     const uint32_t *pairs, int32_t *acc, int wide)
{
    (void)pairs;
    (wide ? cs_depthwise_taps_s16 : cs_depthwise_taps_s8)(run, axis, at, count, acc);
}

#else

/* The sum of one result, whose first tap reads element `at`; taps in padding add nothing. */
static __attribute__((noinline)) int32_t cs_depthwise_edge(const cs_depthwise_run *run, const cs_conv_axis *axis, int32_t at,
                                                           int wide)
{
    const int32_t size = axis->source, dilation = axis->dilation;
    const int8_t *weight = run->weights;
    const void *row = run->x;
    uint32_t sum = (uint32_t)run->bias;

    for (uint32_t k = 0; k < run->rows; k++, row = cs_source_at(row, (int32_t)run->apart, wide)) {
        int32_t place = at;

        for (uint32_t j = 0; j < axis->taps; j++, weight++, place += dilation) {
            if ((uint32_t)place < (uint32_t)size) {
                sum += (uint32_t)(*weight * cs_source_element(row, place, run->zero_point, wide));
            }
        }
    }
    return (int32_t)sum;
}

/* `count` sums from element `at` on that read no padding. */
static __attribute__((noinline)) void cs_depthwise_any(const cs_depthwise_run *run, const cs_conv_axis *axis, int32_t at,
                                                       uint32_t count, int32_t *acc, int wide)
{
    const uint32_t taps = axis->taps, rows = run->rows;
    const int32_t step = axis->step, dilation = axis->dilation, apart = (int32_t)run->apart, zero_point = run->zero_point;
    const void *x = cs_source_at(run->x, at, wide);

    for (; count > 0; count--, x = cs_source_at(x, step, wide)) {
        const int8_t *weight = run->weights;
        const void *row = x;
        uint32_t sum = (uint32_t)run->bias;

        for (uint32_t k = 0; k < rows; k++, row = cs_source_at(row, apart, wide)) {
            const void *element = row;

            for (uint32_t j = 0; j < taps; j++, element = cs_source_at(element, dilation, wide)) {
                sum += (uint32_t)(*weight++ * cs_source_element(element, 0, zero_point, wide));
            }
        }
        *acc++ = (int32_t)sum;
    }
}

#if defined(__ARM_FEATURE_DSP) && !defined(__ARM_FEATURE_MVE)

/* The same for at least four sums of int16: four at once share the reading of weights, and neighbouring taps a product. The last four
 * may overlap those before. */
static __attribute__((noinline)) void cs_depthwise_fours(const cs_depthwise_run *run, const cs_conv_axis *axis, int32_t at,
                                                         uint32_t count, int32_t *acc)
{
    const uint32_t paired = axis->dilation == 1 ? axis->taps & ~1u : 0;
    const int32_t step = axis->step, dilation = axis->dilation;

    for (uint32_t i = 0, end = count - 4;; i = i + 4 < end ? i + 4 : end) {
        const int16_t *row = (const int16_t *)run->x + at + (int32_t)i * step;
        const int8_t *weight = run->weights;
        uint32_t a = (uint32_t)run->bias, b = a, c = a, d = a;

        for (uint32_t k = 0; k < run->rows; k++, row += run->apart) {
            const int16_t *x = row;
            uint32_t left = axis->taps;

            for (; left > axis->taps - paired; left -= 2, weight += 2, x += 2) {
                const int32_t one = weight[0], other = weight[1];
                uint32_t w, p, q, r, s;

                __builtin_memcpy(&p, x, 4); /* such cores load words from any address */
                __builtin_memcpy(&q, x + step, 4);
                __builtin_memcpy(&r, x + 2 * step, 4);
                __builtin_memcpy(&s, x + 3 * step, 4);
                __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(w) : "r"(one), "r"(other));
                __asm__("smlad %0, %1, %2, %0" : "+r"(a) : "r"(p), "r"(w));
                __asm__("smlad %0, %1, %2, %0" : "+r"(b) : "r"(q), "r"(w));
                __asm__("smlad %0, %1, %2, %0" : "+r"(c) : "r"(r), "r"(w));
                __asm__("smlad %0, %1, %2, %0" : "+r"(d) : "r"(s), "r"(w));
            }
            for (; left > 0; left--, x += dilation) {
                const int32_t w = *weight++;

                a += (uint32_t)(w * x[0]);
                b += (uint32_t)(w * x[step]);
                c += (uint32_t)(w * x[2 * step]);
                d += (uint32_t)(w * x[3 * step]);
            }
        }
        acc[i] = (int32_t)a;
        acc[i + 1] = (int32_t)b;
        acc[i + 2] = (int32_t)c;
        acc[i + 3] = (int32_t)d;
        if (i == end) {
            break;
        }
    }
}

/* Assembly: cs_depthwise_three.S says what it computes. */
void cs_depthwise_three(const uint32_t *pairs, uint32_t rows, const int16_t *x, uint32_t apart, int32_t bias, uint32_t count,
                        int32_t *acc);

/* Words for it from the weights of a channel. */
static __attribute__((noinline)) void cs_depthwise_pairs(const int8_t *weights, uint32_t rows, uint32_t *pairs)
{
    for (; rows > 0; rows--, weights += 3, pairs += 2) {
        const int32_t middle = weights[1], last = weights[2];

        __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(pairs[0]) : "r"((int32_t)weights[0]), "r"(middle));
        __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(pairs[1]) : "r"(middle), "r"(last));
    }
}

/* `count` (at least 6) sums of rows of `size` elements with a zero before and after. No part of its caller, whose numbers fill
 * the registers. */
static __attribute__((noinline)) void cs_depthwise_padded(const cs_depthwise_run *run, const uint32_t *pairs, uint32_t size,
                                                          uint32_t count, int32_t *acc)
{
    const int16_t *x = run->x, *last = x + size - 2;
    int32_t before = run->bias, after = before;

    for (uint32_t row = 0; row < run->rows; row++, x += run->apart, last += run->apart) {
        uint32_t first, end;

        __builtin_memcpy(&first, x, 4);
        __builtin_memcpy(&end, last, 4);
        __asm__("smlad %0, %1, %2, %0" : "+r"(before) : "r"(first), "r"(pairs[2 * row + 1]));
        __asm__("smlad %0, %1, %2, %0" : "+r"(after) : "r"(end), "r"(pairs[2 * row]));
    }
    acc[0] = before;
    acc[count - 1] = after;
    cs_depthwise_three(pairs, run->rows, run->x, 2 * run->apart, run->bias, count - 2, acc + 1);
}

#endif

/* `count` sums from element `at` on; `pairs`: for cs_depthwise_three, else NULL. */
static inline void cs_depthwise_sums(const cs_depthwise_run *run, const cs_conv_axis *axis, int32_t at, uint32_t count,
                                     const uint32_t *pairs, int32_t *acc, int wide)
{
    const int32_t step = axis->step, size = axis->source;
    int32_t last = at + (int32_t)(count - 1) * step + (int32_t)((axis->taps - 1u) * axis->dilation);
    uint32_t first = 0, end = count;

    for (; at < 0 && first < end; at += step) {
        acc[first++] = cs_depthwise_edge(run, axis, at, wide);
    }
    for (; end > first && last >= size; last -= step) {
        end--;
        acc[end] = cs_depthwise_edge(run, axis, at + (int32_t)(end - first) * step, wide);
    }
#if defined(__ARM_FEATURE_DSP) && !defined(__ARM_FEATURE_MVE)
    if (pairs != 0 && run->rows > 0 && end >= first + 4) {
        cs_depthwise_three(pairs, run->rows, (const int16_t *)run->x + at, 2 * run->apart, run->bias, end - first, acc + first);
        return;
    }
    if (wide && end >= first + 4) {
        cs_depthwise_fours(run, axis, at, end - first, acc + first);
        return;
    }
#endif
    (void)pairs;
    if (end > first) {
        cs_depthwise_any(run, axis, at, end - first, acc + first, wide);
    }
}

#endif

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The core of cs_depthwise_s16 and cs_depthwise_s8: each output channel reads one source channel, where it lies. */
#ifndef CODESIGN_NN_DEPTHWISE_H
#define CODESIGN_NN_DEPTHWISE_H

#include "codesign/conv.h"
#include "conv_outputs.h"
#include "conv_patches.h"

/* What the results of one row read: `rows` rows of the source, `apart` elements from one to the next. */
typedef struct cs_depthwise_run {
    const void *x;         /* the first row */
    const int8_t *weights; /* of the first row */
    uint32_t rows, apart;
    int32_t bias, zero_point;
} cs_depthwise_run;

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

#if defined(__ARM_FEATURE_DSP)

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
#if defined(__ARM_FEATURE_DSP)
    if (pairs != 0 && run->rows > 0 && end >= first + 4) {
        cs_depthwise_three(pairs, run->rows, (const int16_t *)run->x + at, 2 * run->apart, run->bias, end - first, acc + first);
        return;
    }
#endif
    (void)pairs;
    if (end > first) {
        cs_depthwise_any(run, axis, at, end - first, acc + first, wide);
    }
}

/* One row of results of a channel, whose source `run` has. */
static inline void cs_depthwise_channel(const cs_conv *layer, uint32_t channel, const cs_depthwise_run *run, void *y,
                                        int wide, int32_t *acc)
{
    const cs_conv_axis *frequency = &layer->frequency;
    const uint32_t *pairs = 0;

#if defined(__ARM_FEATURE_DSP)
    if (wide && frequency->taps == 3 && frequency->step == 1 && frequency->dilation == 1) {
        uint32_t *words = (uint32_t *)(void *)(acc + layer->block);

        cs_depthwise_pairs(run->weights, run->rows, words);
        pairs = words;
    }
#endif
    for (uint32_t f = 0; f < frequency->results; f += layer->block) {
        const uint32_t left = frequency->results - f, count = left < layer->block ? left : layer->block;

        cs_depthwise_sums(run, frequency, frequency->origin + (int32_t)(f * frequency->step), count, pairs, acc, wide);
        cs_conv_outputs(layer, channel, 0, 1, acc, 0, f, count, (int8_t *)y + (wide ? 2u : 1u) * f * frequency->y_step, wide);
    }
}

#if defined(__ARM_FEATURE_DSP)

/* Whether a row is what cs_depthwise_padded takes: whole, with the ordinary padding. */
static inline int cs_depthwise_is_padded(const cs_conv *layer, const cs_depthwise_run *run, int wide)
{
    const cs_conv_axis *frequency = &layer->frequency;

    return wide && run->rows > 0 && frequency->taps == 3 && frequency->step == 1 && frequency->dilation == 1 &&
           frequency->origin == -1 && frequency->results == frequency->source && frequency->results >= 6 &&
           frequency->results <= layer->block;
}

/* The same as cs_depthwise_channel for these. */
static __attribute__((noinline)) void cs_depthwise_padded_channel(const cs_conv *layer, uint32_t channel,
                                                                  const cs_depthwise_run *run, void *y, int32_t *acc)
{
    const uint32_t size = layer->frequency.results;
    uint32_t *pairs = (uint32_t *)(void *)(acc + layer->block);

    cs_depthwise_pairs(run->weights, run->rows, pairs);
    cs_depthwise_padded(run, pairs, size, size, acc);
    cs_conv_outputs(layer, channel, 0, 1, acc, 0, 0, size, y, 1);
}

#endif

/* `wide`: x and y are int16, else int8. */
static inline void cs_depthwise_core(const cs_conv *layer, const void *x, void *y, int wide, void *scratch)
{
    const cs_conv_axis *time = &layer->time, *frequency = &layer->frequency;
    const uint32_t taps = time->taps * frequency->taps, elements = time->source * frequency->source;

    for (uint32_t t = 0; t < time->results; t++) {
        int32_t row = time->origin + (int32_t)(t * time->step);
        uint32_t skipped = 0, rows = 0, channel = 0;

        for (; row < 0 && skipped < time->taps; row += time->dilation) {
            skipped++;
        }
        for (int32_t at = row; skipped + rows < time->taps && at < time->source; at += time->dilation) {
            rows++;
        }
        cs_depthwise_run run = {
            .x = cs_source_at(x, rows == 0 ? 0 : row * frequency->source, wide),
            .weights = layer->weights + skipped * frequency->taps,
            .rows = rows,
            .apart = (uint32_t)time->dilation * frequency->source,
            .zero_point = layer->source_zero_point,
        };
        void *to = (int8_t *)y + (wide ? 2u : 1u) * t * time->y_step;
#if defined(__ARM_FEATURE_DSP)
        const int padded = cs_depthwise_is_padded(layer, &run, wide);
#endif

        for (uint32_t g = 0; g < layer->groups; g++) {
            for (uint32_t output = 0; output < layer->outputs; output++, channel++) {
#if !defined(__ARM_FEATURE_MVE) /* where results add it */
                run.bias = layer->bias[channel];
#endif
#if defined(__ARM_FEATURE_DSP)
                if (padded) {
                    cs_depthwise_padded_channel(layer, channel, &run, to, scratch);
                } else
#endif
                cs_depthwise_channel(layer, channel, &run, to, wide, scratch);
                run.weights += taps;
            }
            run.x = cs_source_at(run.x, (int32_t)elements, wide);
        }
    }
}

#endif

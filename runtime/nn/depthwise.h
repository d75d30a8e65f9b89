/* SPDX-License-Identifier: Apache-2.0 */
/* The core of cs_depthwise_s16 and cs_depthwise_s8: each output channel reads one source channel, where it lies. */
#ifndef CODESIGN_NN_DEPTHWISE_H
#define CODESIGN_NN_DEPTHWISE_H

#include "conv_outputs.h"
#include "depthwise_sums.h"

/* One row of results of a channel, whose source `run` has. */
static inline void cs_depthwise_channel(const cs_conv *layer, uint32_t channel, const cs_depthwise_run *run, void *y,
                                        int wide, int32_t *acc)
{
    const cs_conv_axis *frequency = &layer->frequency;
    const uint32_t *pairs = 0;

#if defined(__ARM_FEATURE_DSP) && !defined(__ARM_FEATURE_MVE)
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

#if defined(__ARM_FEATURE_DSP) && !defined(__ARM_FEATURE_MVE)

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
#if defined(__ARM_FEATURE_DSP) && !defined(__ARM_FEATURE_MVE)
        const int padded = cs_depthwise_is_padded(layer, &run, wide);
#endif

        for (uint32_t g = 0; g < layer->groups; g++) {
            for (uint32_t output = 0; output < layer->outputs; output++, channel++) {
#if !defined(__ARM_FEATURE_MVE) /* where results add it */
                run.bias = layer->bias[channel];
#endif
#if defined(__ARM_FEATURE_DSP) && !defined(__ARM_FEATURE_MVE)
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

/* SPDX-License-Identifier: Apache-2.0 */
/* The core of cs_depthwise_s16 and cs_depthwise_s8: each output channel reads one source channel. */
#ifndef CODESIGN_NN_DEPTHWISE_H
#define CODESIGN_NN_DEPTHWISE_H

#include "codesign/conv.h"
#include "codesign/nn.h"
#include "conv_output.h"
#include "conv_patches.h"
#include "move.h"

/* A row of the source from element `at` on as int16, with padding around it; row NULL: padding alone. */
static __attribute__((noinline)) void cs_depthwise_row(const void *row, int32_t at, uint32_t width, const cs_conv *layer,
                                                       int16_t *to, int wide)
{
    const int32_t size = row != 0 ? layer->frequency.source : 0;
    const int32_t end = at + (int32_t)width < size ? at + (int32_t)width : size;
    uint32_t left = width;

    for (; left > 0 && (at < 0 || at >= end); left--, at++) {
        *to++ = 0;
    }
    if (left == 0) {
        return;
    }
    left -= (uint32_t)(end - at);
    if (wide) {
        cs_move(to, (const int16_t *)row + at, 2u * (uint32_t)(end - at));
        to += end - at;
    } else {
        for (; at < end; at++) {
            *to++ = cs_source_element(row, at, layer->source_zero_point, wide);
        }
    }
    for (; left > 0; left--) {
        *to++ = 0;
    }
}

#if defined(__ARM_FEATURE_DSP)

/* Without arm_acle.h, which not every toolchain has. */
#define CS_ADD_PRODUCTS(instruction, sum, a, b) __asm__(instruction " %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b))

/* Rows of three taps, step and dilation 1: four neighbouring results of a row need three words of x and eight instructions.
 * `pairs` holds two words of weights a row: taps 0 and 1, 1 and 2. */
static __attribute__((noinline)) void cs_depthwise_three(const uint32_t *pairs, uint32_t rows, const int16_t *x, uint32_t width,
                                                         int32_t bias, uint32_t count, int32_t *acc)
{
    const uint32_t *end = pairs + 2 * rows;

    for (const int32_t *last = acc + count; acc < last; acc += 4, x += 4) {
        const int16_t *row = x;
        int32_t a = bias, b = bias, c = bias, d = bias;

        for (const uint32_t *weights = pairs; weights != end; weights += 2, row += width) {
            const uint32_t first = weights[0], second = weights[1];
            const uint32_t *words = __builtin_assume_aligned(row, 4);
            const uint32_t p = words[0], q = words[1], r = words[2];

            CS_ADD_PRODUCTS("smlad", a, p, first);
            CS_ADD_PRODUCTS("smlabt", a, q, second);
            CS_ADD_PRODUCTS("smlatb", b, p, first);
            CS_ADD_PRODUCTS("smlad", b, q, second);
            CS_ADD_PRODUCTS("smlad", c, q, first);
            CS_ADD_PRODUCTS("smlabt", c, r, second);
            CS_ADD_PRODUCTS("smlatb", d, q, first);
            CS_ADD_PRODUCTS("smlad", d, r, second);
        }
        acc[0] = a;
        acc[1] = b;
        acc[2] = c;
        acc[3] = d;
    }
}

/* Words for it from the weights of a channel. */
static inline void cs_depthwise_pairs(const int8_t *weights, uint32_t rows, uint32_t *pairs)
{
    for (; rows > 0; rows--, weights += 3, pairs += 2) {
        pairs[0] = (uint32_t)(uint16_t)weights[0] | (uint32_t)weights[1] << 16;
        pairs[1] = (uint32_t)(uint16_t)weights[1] | (uint32_t)weights[2] << 16;
    }
}

#endif

/* Any taps, any step. */
static __attribute__((noinline)) void cs_depthwise_any(const cs_conv *layer, const int8_t *weights, const int16_t *x, uint32_t width, int32_t bias,
                                    uint32_t count, int32_t *acc)
{
    const uint32_t taps = layer->frequency.taps, step = layer->frequency.step, dilation = layer->frequency.dilation;

    for (uint32_t i = 0; i < count; i++, x += step) {
        const int16_t *row = x;
        const int8_t *weight = weights;
        uint32_t sum = (uint32_t)bias;

        for (uint32_t k = 0; k < layer->time.taps; k++, row += width) {
            const int16_t *element = row;

            for (uint32_t j = 0; j < taps; j++, element += dilation) {
                sum += (uint32_t)(*weight++ * *element);
            }
        }
        acc[i] = (int32_t)sum;
    }
}

/* The results of one output channel; x starts at its source channel. `wide`: x and y are int16, else int8. */
static inline void cs_depthwise_channel(const cs_conv *layer, uint32_t channel, const void *x, void *y, int wide, int32_t *acc)
{
    const cs_conv_axis *time = &layer->time, *frequency = &layer->frequency;
    const uint32_t size = wide ? 2u : 1u;
    const uint32_t width =
        CS_ROUND_UP_4((layer->block - 1u) * frequency->step + (frequency->taps - 1u) * frequency->dilation + 2u);
    const int8_t *weights = layer->weights + channel * time->taps * frequency->taps;
    const cs_channel constants = cs_channel_of(layer, channel);
    uint32_t *pairs = (uint32_t *)(void *)(acc + layer->block);
    int16_t *rows = (int16_t *)(void *)(pairs + 2 * time->taps);
#if defined(__ARM_FEATURE_DSP)
    const int three = frequency->taps == 3 && frequency->step == 1 && frequency->dilation == 1;

    if (three) {
        cs_depthwise_pairs(weights, time->taps, pairs);
    }
#endif

    for (uint32_t t = 0; t < time->results; t++) {
        const int32_t first_row = time->origin + (int32_t)(t * time->step);

        for (uint32_t f = 0; f < frequency->results; f += layer->block) {
            const uint32_t left = frequency->results - f, count = left < layer->block ? left : layer->block;
            const int32_t first = frequency->origin + (int32_t)(f * frequency->step);

            for (uint32_t i = 0; i < time->taps; i++) {
                const int32_t row = first_row + (int32_t)(i * time->dilation);
                const void *source = (uint32_t)row >= time->source ? 0 : (const int8_t *)x + size * (uint32_t)row * frequency->source;

                cs_depthwise_row(source, first, width, layer, rows + i * width, wide);
            }
#if defined(__ARM_FEATURE_DSP)
            if (three) {
                cs_depthwise_three(pairs, time->taps, rows, width, layer->bias[channel], count, acc);
            } else
#endif
            {
                cs_depthwise_any(layer, weights, rows, width, layer->bias[channel], count, acc);
            }
            cs_conv_output(&constants, acc, count,
                           (int8_t *)y + size * (channel * layer->y_channel + t * time->y_step + f * frequency->y_step),
                           frequency->y_step, wide);
        }
    }
}

static inline void cs_depthwise_core(const cs_conv *layer, const void *x, void *y, int wide, void *scratch)
{
    const uint32_t channel_bytes = (wide ? 2u : 1u) * layer->time.source * layer->frequency.source;
    uint32_t channel = 0;

    for (uint32_t g = 0; g < layer->groups; g++) {
        for (uint32_t output = 0; output < layer->outputs; output++, channel++) {
            cs_depthwise_channel(layer, channel, (const int8_t *)x + g * channel_bytes, y, wide, scratch);
        }
    }
}

#endif

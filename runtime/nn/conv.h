/* SPDX-License-Identifier: Apache-2.0 */
/* The core of cs_conv_s16 and cs_conv_s8, which differ in the types of x and y only. */
#ifndef CODESIGN_NN_CONV_H
#define CODESIGN_NN_CONV_H

#include "codesign/conv.h"
#include "codesign/nn.h"
#include "conv_multiply.h"
#include "conv_outputs.h"
#include "conv_patches.h"
#include "conv_rows.h"
#include "conv_widen.h"

#if defined(__ARM_FEATURE_MVE)

#include "conv_vectors.h"

#else

/* `count` results from f on, of one t, of all outputs of one group, whose first output is `first`; `at`: where they stand. */
static inline const int8_t *cs_conv_block(const cs_conv *layer, const int8_t *weights, const void *patches, uint32_t count,
                                          uint32_t first, uint32_t f, uint32_t at, void *y, int wide, int16_t *rows)
{
    const uint32_t columns = CS_ROUND_UP_4((uint32_t)layer->inputs * layer->time.taps * layer->frequency.taps);
    const uint32_t block = layer->block;
    int32_t *acc = (int32_t *)(void *)(rows + 4 * CS_ROUND_UP_8(columns));
    const uint32_t phases = layer->phases, rows_of_group = layer->outputs * phases;
    uint32_t channel = first, phase = 0;

    for (uint32_t row = 0; row < rows_of_group; row += 4) {
        const uint32_t real = rows_of_group - row < 4 ? rows_of_group - row : 4;
        const int32_t *bias = layer->bias + channel;
        uint32_t of = channel + 4, in = phase;
        int32_t some[4];

        if (phases > 1 || real < 4) { /* not one after the other */
            of = channel;
            for (uint32_t i = 0; i < 4; i++) {
                some[i] = i < real ? layer->bias[of] : 0;
                if (++in == phases) {
                    in = 0;
                    of++;
                }
            }
            bias = some;
        }
        weights = cs_conv_widen(weights, columns, rows);
#if defined(__ARM_FEATURE_DSP) && !defined(__ARM_FEATURE_MVE)
        if (real == 4 && cs_conv_has_rows(layer, wide)) {
            cs_conv_run run;
            uint32_t kind;

            if (cs_conv_run_of(layer, channel, bias, &run, &kind)) {
                const uint32_t rest = phases > 1 ? layer->y_frequency - f * phases : count; /* later phases may have one less */

                cs_conv_rows(rows, patches, columns, rest < count * phases ? rest : count * phases, &run,
                             (int16_t *)y + at + channel * layer->y_channel, layer->y_channel, kind,
                             layer->frequency.y_step);
                channel += 4 / phases;
                continue;
            }
        }
#endif
        cs_conv_multiply(rows, patches, columns, (count + 1) / 2, bias, acc, block);
        cs_conv_outputs(layer, channel, phase, real, acc, block, f, count, (int8_t *)y + (wide ? 2u : 1u) * at, wide);
        channel = of;
        phase = in;
    }
    return weights;
}

#endif

/* `wide`: x and y are int16, else int8. */
static inline void cs_conv_core(const cs_conv *layer, const void *x, void *y, int wide, void *scratch)
{
    const cs_conv_axis *time = &layer->time, *frequency = &layer->frequency;
    const uint32_t columns = CS_ROUND_UP_4((uint32_t)layer->inputs * time->taps * frequency->taps);
    const uint32_t group = (uint32_t)layer->inputs * time->source * frequency->source;
    int16_t *patches = scratch;
    const int8_t *weights = layer->weights;

    for (uint32_t g = 0; g < layer->groups; g++) {
        const void *source = (const int8_t *)x + (wide ? 2u : 1u) * g * group;
        const int8_t *next = weights;

        for (uint32_t t = 0; t < time->results; t++) {
            for (uint32_t f = 0; f < frequency->results; f += layer->block) {
                const uint32_t left = frequency->results - f, count = left < layer->block ? left : layer->block;

#if defined(__ARM_FEATURE_MVE)
                if (wide) {
                    cs_patches_of_vectors(layer, source, t, f, count, patches, columns);
                } else
#endif
                cs_patches(layer, source, t, f, count, patches, 2 * columns, wide);
                next = cs_conv_block(layer, weights, patches, count, g * layer->outputs, f,
                                     t * time->y_step + f * frequency->y_step, y, wide, patches + layer->block * columns);
            }
        }
        weights = next;
    }
}

#endif

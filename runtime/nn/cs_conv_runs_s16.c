/* SPDX-License-Identifier: Apache-2.0 */
/* A convolution with int16 activations whose taps along frequency are neighbours, with vectors. Empty without the vector extension. */
#include "codesign/conv.h"

#if defined(__ARM_FEATURE_MVE)

#include "conv_runs.h"

/* The source of `count` results from (t, f) on: of each frequency all channels of all time taps side by side; zeros outside. */
static inline void stage(const cs_conv_runs_layer *layer, const int16_t *x, uint32_t t, uint32_t f, uint32_t count, int16_t *to)
{
    const cs_conv_axis *time = &layer->time, *frequency = &layer->frequency;
    const uint32_t inputs = layer->inputs, pitch = inputs * time->taps;
    const int32_t places = (int32_t)((count - 1) * frequency->step + frequency->taps), size = frequency->source;
    const int32_t at = frequency->origin + (int32_t)(f * frequency->step);
    int32_t row = time->origin + (int32_t)(t * time->step), first = at < 0 ? -at : 0, end = size - at;

    first = first < places ? first : places;
    end = end < places ? end : places;
    if (first >= end || row < 0 || row + (time->taps - 1) * time->dilation >= time->source) {
        cs_stage_zeros(to, (uint32_t)places * pitch);
    } else {
        cs_stage_zeros(to, (uint32_t)first * pitch);
        cs_stage_zeros(to + (uint32_t)end * pitch, (uint32_t)(places - end) * pitch);
    }
    to += (uint32_t)first * pitch;
    for (uint32_t k = 0; k < time->taps && first < end; k++, row += time->dilation, to += inputs) {
        if ((uint32_t)row < time->source) {
            cs_stage_rows(x + row * size + at + first, to, (uint32_t)(end - first), pitch, inputs,
                          2u * time->source * (uint32_t)size);
        }
    }
}

/* The first and the last result, from patches that stand apart: [first, 0] and [0, last], with both results' weights side by side. */
static void compute_ends(const cs_conv_runs_layer *layer, cs_conv_run_rows run, const int16_t *x, uint32_t t, int16_t *patches)
{
    const cs_conv_axis *frequency = &layer->frequency;
    const uint32_t columns = 8u * layer->vectors, last = frequency->results - 1u;

    stage(layer, x, t, 0, 1, patches);
    cs_stage_zeros(patches + columns, columns);
    stage(layer, x, t, last, 1, patches + 2 * columns);
    run.vectors = 2u * layer->vectors + CS_RUN_WIDE;
    run.patches = patches;
    run.patch = 2 * columns;
    run.first = 0;
    run.count = 2;
    run.y += t * layer->time.y_step;
    run.y_step *= last;
    cs_conv_runs(&run);
}

void cs_conv_runs_s16(const cs_conv_runs_layer *layer, const int16_t *x, int16_t *y, void *scratch)
{
    const cs_conv_axis *time = &layer->time, *frequency = &layer->frequency;
    const uint32_t pitch = (uint32_t)layer->inputs * time->taps, step = frequency->step;
    cs_conv_run_rows run = {
        .weights = layer->weights,
        .constants = layer->constants,
        .rows = layer->rows,
        .vectors = layer->vectors + (layer->ends != 0 ? CS_RUN_WIDE : 0),
        .patch = 2 * pitch * step,
        .acc = (int32_t *)scratch + 4, /* the first store is one word before */
        .y_step = frequency->y_step,
    };
    int16_t *patches = (int16_t *)scratch + 6u * layer->block + 24u;

    run.patches = patches;
    for (uint32_t g = 0; g < layer->groups; g++) {
        for (uint32_t t = 0; t < time->results; t++) {
            for (uint32_t f = 0; f < frequency->results; f += layer->block) {
                const uint32_t left = frequency->results - f;

                run.count = left < layer->block ? left : layer->block;
                run.first = f;
                run.y = y + t * time->y_step + f * frequency->y_step;
                stage(layer, x, t, f, run.count, patches);
                cs_conv_runs(&run);
            }
            if (layer->ends != 0) {
                cs_conv_run_rows ends = run;

                ends.weights = (const uint8_t *)layer->ends + 2u * g * layer->group_weights;
                ends.y = y;
                compute_ends(layer, ends, x, t, patches);
            }
        }
        x += (uint32_t)layer->inputs * time->source * frequency->source;
        run.weights = (const uint8_t *)run.weights + layer->group_weights;
        run.constants += CS_RUN_CONSTANTS * layer->rows;
    }
}

#else

typedef int cs_conv_runs_s16_needs_the_vector_extension; /* ISO C wants one declaration a file */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Sources of neighbouring results, side by side, for the matrix form of a convolution. */
#ifndef CODESIGN_NN_CONV_PATCHES_H
#define CODESIGN_NN_CONV_PATCHES_H

#include "codesign/conv.h"
#include "conv_multiply.h"

/* Element `at` of a row, less the zero point, which int16 has not. */
static inline int16_t cs_source_element(const void *row, int32_t at, int32_t zero_point, int wide)
{
    return wide ? ((const int16_t *)row)[at] : (int16_t)(((const int8_t *)row)[at] - zero_point);
}

/* One column of `count` patches: from row[at], row[at + step], ...; row NULL: padding alone. `pair` is the length of a pair. */
static inline void cs_patch_column(const void *row, int32_t at, const cs_conv_axis *axis, uint32_t count, int32_t zero_point,
                                   int16_t *patch, uint32_t pair, int wide)
{
    const int32_t step = axis->step, size = row != 0 ? axis->source : 0;
    const uint32_t next = CS_PATCH_NEXT(pair);

    if (at < 0 || at + (int32_t)(count - 1) * step >= size) {
        for (uint32_t i = 0; i < count; i++, at += step) {
            patch[(i >> 1) * pair + (i & 1u) * next] =
                (uint32_t)at < (uint32_t)size ? cs_source_element(row, at, zero_point, wide) : (int16_t)0;
        }
        return;
    }
    row = (const int8_t *)row + (wide ? 2 * at : at);
    for (; count >= 2; count -= 2, patch += pair) {
        patch[0] = cs_source_element(row, 0, zero_point, wide);
        patch[next] = cs_source_element(row, step, zero_point, wide);
        row = (const int8_t *)row + (wide ? 4 * step : 2 * step);
    }
    if (count > 0) {
        patch[0] = cs_source_element(row, 0, zero_point, wide);
    }
}

/* The patches of results (t, f), (t, f + 1), ... of a group, whose source channels start at x. */
static inline void cs_patches(const cs_conv *layer, const void *x, uint32_t t, uint32_t f, uint32_t count, int16_t *patches,
                              uint32_t pair, int wide)
{
    const cs_conv_axis *time = &layer->time, *frequency = &layer->frequency;
    const int32_t first_row = time->origin + (int32_t)(t * time->step);
    const int32_t first = frequency->origin + (int32_t)(f * frequency->step);
    uint32_t column = 0;

    for (uint32_t channel = 0; channel < layer->inputs; channel++) {
        for (uint32_t i = 0; i < time->taps; i++) {
            const int32_t at_row = first_row + (int32_t)(i * time->dilation);
            const uint32_t element = (channel * time->source + (uint32_t)at_row) * frequency->source;
            const void *row = (uint32_t)at_row >= time->source ? 0 : (const int8_t *)x + (wide ? 2u : 1u) * element;

            for (uint32_t j = 0; j < frequency->taps; j++, column++) {
                cs_patch_column(row, first + (int32_t)(j * frequency->dilation), frequency, count,
                                layer->source_zero_point, patches + CS_PATCH_COLUMN(column), pair, wide);
            }
        }
    }
}

#endif

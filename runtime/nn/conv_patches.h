/* SPDX-License-Identifier: Apache-2.0 */
/* Sources of neighbouring results, side by side, for the matrix form of a convolution. */
#ifndef CODESIGN_NN_CONV_PATCHES_H
#define CODESIGN_NN_CONV_PATCHES_H

#include "codesign/conv.h"
#include "conv_multiply.h"
#include "conv_patch_words.h"

/* Element `at` of a row, less the zero point, which int16 has not. */
static inline int16_t cs_source_element(const void *row, int32_t at, int32_t zero_point, int wide)
{
    return wide ? ((const int16_t *)row)[at] : (int16_t)(((const int8_t *)row)[at] - zero_point);
}

static inline const void *cs_source_at(const void *row, int32_t at, int wide)
{
    return (const int8_t *)row + (wide ? 2 * at : at);
}

/* One column of `count` patches: from[0], from[step], ... `pair` is the length of a pair of patches. */
static __attribute__((noinline)) void cs_patch_column(const void *from, int32_t step, uint32_t count, int32_t zero_point,
                                                      int16_t *patch, uint32_t pair, int wide)
{
    const uint32_t next = CS_PATCH_NEXT(pair);

#if defined(__ARM_FEATURE_MVE)
    const uint16x8_t eight = vidupq_n_u16(0, 1);
    const uint16x8_t places = vmulq_n_u16(eight, (uint16_t)next), sources = vmulq_n_u16(eight, (uint16_t)step);

    for (int32_t left = (int32_t)count; left > 0; left -= 8, patch += 8 * next, from = cs_source_at(from, 8 * step, wide)) {
        const mve_pred16_t real = vctp16q((uint32_t)left);
        const int16x8_t some = wide ? vldrhq_gather_shifted_offset_z_s16((const int16_t *)from, sources, real)
                                    : vldrbq_gather_offset_z_s16((const int8_t *)from, sources, real);

        vstrhq_scatter_shifted_offset_p_s16(patch, places, vsubq_n_s16(some, (int16_t)(wide ? 0 : zero_point)), real);
    }
#else
    for (; count >= 2; count -= 2, patch += pair) {
        patch[0] = cs_source_element(from, 0, zero_point, wide);
        patch[next] = cs_source_element(from, step, zero_point, wide);
        from = cs_source_at(from, 2 * step, wide);
    }
    if (count > 0) {
        patch[0] = cs_source_element(from, 0, zero_point, wide);
    }
#endif
}

/* All columns of the patches first..end-1 of a block, element by element: they reach into padding. What `layer` points to is
 * copied: stores of int16 might change it. */
static __attribute__((noinline)) void cs_patches_edge(const cs_conv *layer, const void *x, int32_t row, int32_t at,
                                                      uint32_t first, uint32_t end, int16_t *patches, uint32_t pair, int wide)
{
    const cs_conv_axis time = layer->time, frequency = layer->frequency;
    const uint32_t inputs = layer->inputs;
    const int32_t zero_point = layer->source_zero_point;

    for (uint32_t i = first; i < end; i++) {
        int16_t *patch = patches + (i >> 1) * pair + (i & 1u) * CS_PATCH_NEXT(pair);
        const int32_t start = at + (int32_t)(i * frequency.step);
        uint32_t column = 0, base = 0;

        for (uint32_t channel = 0; channel < inputs; channel++, base += time.source) {
            for (uint32_t k = 0; k < time.taps; k++) {
                const int32_t at_row = row + (int32_t)(k * time.dilation);
                const uint32_t size = (uint32_t)at_row < time.source ? frequency.source : 0;
                const void *from = size == 0 ? x : cs_source_at(x, (int32_t)((base + (uint32_t)at_row) * size), wide);
                int32_t place = start;

                for (uint32_t j = 0; j < frequency.taps; j++, column++, place += frequency.dilation) {
                    patch[CS_PATCH_COLUMN(column)] =
                        (uint32_t)place < size ? cs_source_element(from, place, zero_point, wide) : (int16_t)0;
                }
            }
        }
    }
}

/* A column of zeros. */
static inline void cs_patch_zeros(uint32_t count, int16_t *patch, uint32_t pair)
{
    for (; count > 0; count -= count > 1 ? 2 : 1, patch += pair) {
        patch[0] = 0;
        patch[CS_PATCH_NEXT(pair)] = 0;
    }
}

/* All columns of `count` patches that reach no padding in frequency, from element `at` of rows on. */
static inline void cs_patches_inside(const cs_conv *layer, const void *x, int32_t row, int32_t at, uint32_t count,
                                     int16_t *patches, uint32_t pair, int wide)
{
    const cs_conv_axis *time = &layer->time, *frequency = &layer->frequency;
    const uint32_t step = frequency->step, dilation = frequency->dilation;
    uint32_t column = 0, channel = 0;

#if CS_PATCH_WORDS
    if (wide && time->taps == 1 && frequency->taps == 1 && step == 1 && (uint32_t)row < time->source) {
        const uint32_t apart = time->source * (uint32_t)frequency->source;
        const int16_t *from = (const int16_t *)x + row * frequency->source + at;

        for (; column + 1 < layer->inputs; column += 2, from += 2 * apart) {
            cs_patch_rows(from, from + apart, count, patches + CS_PATCH_COLUMN(column), pair);
        }
        if (column < layer->inputs) {
            cs_patch_column(from, 1, count, 0, patches + CS_PATCH_COLUMN(column), pair, wide);
        }
        return;
    }
    if (wide && time->taps == 1 && frequency->taps == 5 && dilation == 1 && (uint32_t)row < time->source) {
        const uint32_t apart = time->source * (uint32_t)frequency->source;
        const int16_t *from = (const int16_t *)x + row * frequency->source + at;

        for (; channel + 1 < layer->inputs; channel += 2, column += 10, from += 2 * apart) {
            cs_patch_fives(from, from + apart, step, count, patches + CS_PATCH_COLUMN(column), pair);
        }
    }
#endif
    for (; channel < layer->inputs; channel++) {
        for (uint32_t k = 0; k < time->taps; k++) {
            const int32_t at_row = row + (int32_t)(k * time->dilation);
            const uint32_t base = (channel * time->source + (uint32_t)at_row) * frequency->source;
            const void *from = x;

            if ((uint32_t)at_row >= time->source) {
                for (uint32_t j = 0; j < frequency->taps; j++, column++) {
                    cs_patch_zeros(count, patches + CS_PATCH_COLUMN(column), pair);
                }
                continue;
            }
            from = cs_source_at(x, (int32_t)base + at, wide);
            for (uint32_t j = 0; j < frequency->taps; j++, column++, from = cs_source_at(from, (int32_t)dilation, wide)) {
                int16_t *patch = patches + CS_PATCH_COLUMN(column);

#if CS_PATCH_WORDS
                if (wide && dilation == 1 && (column & 1u) == 0 && j + 1 < frequency->taps) {
                    cs_patch_neighbours(from, step, count, patch, pair);
                    from = cs_source_at(from, 1, wide);
                    j++, column++;
                    continue;
                }
#endif
                cs_patch_column(from, (int32_t)step, count, layer->source_zero_point, patch, pair, wide);
            }
        }
    }
}

/* The patches of results (t, f), (t, f + 1), ... of a group, whose source channels start at x. */
static inline void cs_patches(const cs_conv *layer, const void *x, uint32_t t, uint32_t f, uint32_t count, int16_t *patches,
                              uint32_t pair, int wide)
{
    const cs_conv_axis *frequency = &layer->frequency;
    const int32_t step = frequency->step, size = frequency->source;
    const int32_t row = layer->time.origin + (int32_t)(t * layer->time.step);
    const int32_t at = frequency->origin + (int32_t)f * step;
    int32_t last = at + (int32_t)(count - 1) * step + (int32_t)((frequency->taps - 1u) * frequency->dilation);
    uint32_t first = 0, end = count;

#if CS_PATCH_WORDS
    if (cs_patches_are_threes(layer, row, f, count, wide)) {
        const uint32_t apart = layer->time.source * (uint32_t)size;
        const int16_t *from = (const int16_t *)x + row * size;

        for (uint32_t column = 0; column < 3u * layer->inputs; column += 6, from += 2 * apart) {
            cs_patch_threes(from, from + apart, (uint32_t)size, patches + CS_PATCH_COLUMN(column), pair);
        }
        return;
    }
#endif
    for (int32_t start = at; start < 0 && first < count; start += step) {
        first++;
    }
    first += first & 1u; /* whole pairs */
    for (; end > first && last >= size; last -= step) {
        end--;
    }
    if (first >= end) {
        cs_patches_edge(layer, x, row, at, 0, count, patches, pair, wide);
        return;
    }
    if (first > 0) {
        cs_patches_edge(layer, x, row, at, 0, first, patches, pair, wide);
    }
    if (end < count) {
        cs_patches_edge(layer, x, row, at, end, count, patches, pair, wide);
    }
    cs_patches_inside(layer, x, row, at + (int32_t)first * step, end - first, patches + (first >> 1) * pair, pair, wide);
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of a convolution's results for cores with the vector extension. */
#ifndef CODESIGN_NN_CONV_VECTORS_H
#define CODESIGN_NN_CONV_VECTORS_H

#include "codesign/conv.h"
#include "conv_multiply.h"
#include "conv_outputs.h"
#include "conv_widen.h"

#define CS_MOST_VECTORS 6u /* of eight columns, for cs_conv_vectors */

/* Rows of weights from `row` on times `count` patches; `weights` and `row` are moved on. */
typedef struct cs_conv_vectors_run {
    const int8_t *weights; /* where `row` starts among four packed ones */
    uint32_t row, rows;
    const int16_t *patches;
    int32_t *acc; /* of three rows, and 16 bytes */
    uint32_t count, columns; /* of a patch, a multiple of 4 */
    uint32_t apart;          /* bytes from a row's sums to the next row's */
} cs_conv_vectors_run;

/* Assembly: the sums of three rows of up to two vectors of eight columns, of two rows of three vectors, of one row of more, without
 * their biases. */
void cs_conv_vectors(cs_conv_vectors_run *run, uint32_t vectors);

typedef struct cs_patch_shape {
    uint32_t step, dilation, channels, taps;
    uint32_t patch; /* elements */
    uint32_t apart; /* bytes from a channel's row to the next channel's */
    uint32_t skip;  /* bytes from the end of a channel's columns to the next channel's */
    uint32_t size;  /* elements of a row, less than 2^15; 0: all of them are padding */
} cs_patch_shape;

/* Assembly: the columns of all channels' taps along frequency, of `count` patches whose first tap reads element `at` on. */
void cs_patch_columns(const cs_patch_shape *shape, const int16_t *row, int32_t at, int16_t *patch, uint32_t count);

/* All columns of `count` patches of int16, from results (t, f) on. */
static inline void cs_patches_of_vectors(const cs_conv *layer, const int16_t *x, uint32_t t, uint32_t f, uint32_t count,
                                         int16_t *patches, uint32_t columns)
{
    const cs_conv_axis *time = &layer->time, *frequency = &layer->frequency;
    const int32_t at = frequency->origin + (int32_t)(f * frequency->step);
    int32_t row = time->origin + (int32_t)(t * time->step);
    cs_patch_shape shape = {
        .step = frequency->step,
        .dilation = frequency->dilation,
        .channels = layer->inputs,
        .taps = frequency->taps,
        .patch = columns,
        .apart = 2u * time->source * frequency->source,
        .skip = 2u * (time->taps - 1u) * frequency->taps,
    };

    for (uint32_t k = 0; k < time->taps; k++, row += time->dilation, patches += frequency->taps) {
        const int inside = (uint32_t)row < time->source;

        shape.size = inside ? frequency->source : 0;
        cs_patch_columns(&shape, inside ? x + row * frequency->source : x, at, patches, count);
    }
}

/* Sums of four rows of many columns at a time; `from`: packed weights. */
static __attribute__((noinline)) void cs_conv_many_columns(const int8_t *from, const int16_t *patches, uint32_t columns,
                                                           uint32_t count, int16_t *rows, int32_t *acc, uint32_t block)
{
    static const int32_t none[4];

    cs_conv_widen(from, columns, rows);
    cs_conv_multiply(rows, patches, columns, (count + 1) / 2, none, acc, block);
}

/* `count` results from f on, of one t, of all outputs of one group, whose first output is `first`; `at`: where they stand. */
static inline const int8_t *cs_conv_block(const cs_conv *layer, const int8_t *weights, const int16_t *patches, uint32_t count,
                                          uint32_t first, uint32_t f, uint32_t at, void *y, int wide, int16_t *scratch)
{
    const uint32_t columns = CS_ROUND_UP_4((uint32_t)layer->inputs * layer->time.taps * layer->frequency.taps);
    const uint32_t vectors = (columns + 7) / 8, phases = layer->phases, rows = layer->outputs * phases;
    const uint32_t most = vectors <= 2 ? 3 : vectors == 3 ? 2 : vectors <= CS_MOST_VECTORS ? 1 : 4;
    cs_conv_vectors_run run = {
        .weights = weights,
        .rows = rows,
        .patches = patches,
        .acc = (int32_t *)(void *)(scratch + 4 * CS_ROUND_UP_8(columns)),
        .count = count,
        .columns = columns,
        .apart = 4u * layer->block,
    };

    for (uint32_t row = 0; row < rows; row += most) {
        const uint32_t real = rows - row < most ? rows - row : most;

        if (vectors <= CS_MOST_VECTORS) {
            cs_conv_vectors(&run, vectors);
        } else {
            cs_conv_many_columns(weights + row * columns, patches, columns, count, scratch, run.acc, layer->block);
        }
        cs_conv_outputs(layer, first + row / phases, row % phases, real, run.acc, layer->block, f, count,
                        (int8_t *)y + (wide ? 2u : 1u) * at, wide);
    }
    return weights + (rows + 3) / 4 * 4 * columns;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Four rows of a convolution from their weights to int16 results, for cores with the DSP extension. */
#ifndef CODESIGN_NN_CONV_ROWS_H
#define CODESIGN_NN_CONV_ROWS_H

#include "conv_outputs.h"

#if defined(__ARM_FEATURE_DSP) && !defined(__ARM_FEATURE_MVE)

/* What the sums of four rows go through; constants of a row as in cs_run, but for its `up` of 1 and `down` of 0. */
typedef struct cs_conv_run {
    int32_t bias[4];
    struct {
        int32_t flip, positive, offset, right;
    } row[4];
} cs_conv_run;

/* How results go to y: those of a row are neighbours, and each is rescaled by the multiplier of its sign (CHOSEN), or all by one
 * (SAME); or rows 0 and 1 alternate in one channel, 2 and 3 in the next (PHASES); or those of a row are y_step apart (APART). */
enum { CS_ROWS_CHOSEN = 0, CS_ROWS_SAME = 1, CS_ROWS_PHASES = 2, CS_ROWS_APART = 3 };

/* Assembly: cs_conv_rows.S. `count` (not 0) results of each of four rows, with PHASES of each of two channels, from pairs of patches;
 * channels of y, at any address, are y_channel elements apart. */
void cs_conv_rows(const int16_t *rows, const int16_t *patches, uint32_t columns, uint32_t count, const cs_conv_run *run,
                  int16_t *y, uint32_t y_channel, uint32_t kind, uint32_t y_step);

/* Whether it does rows with these constants: results over all of int16 in one phase, or in two that are neighbours. */
static inline int cs_conv_has_rows(const cs_conv *layer, int wide)
{
    return wide && layer->high == 32767 && layer->low == -32767 && !layer->twice &&
           (layer->phases == 1 || (layer->phases == 2 && layer->frequency.y_step == 2));
}

/* Constants of the four rows that begin with `channel`; 0 where a shift is none that it does. */
static __attribute__((noinline)) int cs_conv_run_of(const cs_conv *layer, uint32_t channel, const int32_t *bias, cs_conv_run *run,
                                                    uint32_t *kind)
{
    const uint32_t phases = layer->phases;
    uint32_t phase = 0;

    *kind = layer->negative != 0 ? CS_ROWS_CHOSEN : CS_ROWS_SAME;
    if (layer->frequency.y_step > 1) {
        *kind = phases == 2 ? CS_ROWS_PHASES : CS_ROWS_APART;
    }
    for (uint32_t i = 0; i < 4; i++) {
        const int32_t right = -1 - layer->shift[channel], multiplier = layer->multiplier[channel];

        if (right < 1 || right > CS_MOST_RIGHT) {
            return 0;
        }
        run->bias[i] = bias[i];
        run->row[i].flip = layer->negative != 0 ? multiplier ^ layer->negative[channel] : 0;
        run->row[i].positive = multiplier;
        run->row[i].offset = -(1 << (right - 1)); /* the rounding, less one step */
        run->row[i].right = right;
        if (++phase == phases) {
            phase = 0;
            channel++;
        }
    }
    return 1;
}

#endif

#endif

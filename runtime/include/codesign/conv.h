/* SPDX-License-Identifier: Apache-2.0 */
/* Integer convolutions over [channels, time, frequency]. docs/numerics.md defines the arithmetic; the structs are constant,
 * generated data. A transposed convolution is one cs_conv for each of its phases. */
#ifndef CODESIGN_CONV_H
#define CODESIGN_CONV_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Along one axis: result r takes tap k from source element origin + r * step + k * dilation; outside of the source there is
 * padding. Result r stands at y_step * r. */
typedef struct cs_conv_axis {
    int32_t origin;
    uint16_t taps, step, dilation, source, results;
    uint16_t y_step;
} cs_conv_axis;

/* `inputs` and `outputs` are the channels of one group; a group's outputs follow one another.
 * weights: cs_conv_*: for each group and each four of its outputs, for each four columns (channel, time tap, frequency tap;
 *          the last fastest; zeros up to a multiple of 4), for each of the four outputs columns 0, 2, 1, 3. With phases,
 *          outputs times phases in the place of outputs.
 *          cs_depthwise_*: outputs * time taps * frequency taps, row-major; `inputs` is 1. */
typedef struct cs_conv {
    const int8_t *weights;
    const int32_t *bias;       /* per output channel */
    const int32_t *multiplier; /* per output channel */
    const int32_t *negative;   /* multiplier where the sum is negative; NULL: the same */
    const int8_t *shift;       /* per output channel, positive = left */
    cs_conv_axis time, frequency;
    uint16_t groups, inputs, outputs;
    uint16_t block;            /* results along frequency that share one reading of the weights; even */
    uint16_t phases;           /* of a transposed convolution, computed together: each output has so many rows of weights, */
    uint16_t y_frequency;      /* result r of row p stands at r * y_step + p, if that is below y_frequency; without, 1 phase */
    int32_t source_zero_point; /* int8 only; int16 has none */
    int32_t zero_point, low, high;
    uint32_t y_channel;        /* elements of one channel of y */
    uint32_t twice;            /* 1: results are rounded as TFLite's convolutions do, 0: once */
} cs_conv;

/* Scratch in bytes, 4-byte aligned; python/codesign/compiler/layers/conv_code.py uses the same formulas. C4 and C8 are the
 * number of columns rounded up to a multiple of 4 and of 8.
 *   cs_conv_*       2 * C4 * block + 8 * C8 + 16 * block
 *   cs_depthwise_*  4 * block + 8 * time taps */
void cs_conv_s16(const cs_conv *layer, const int16_t *x, int16_t *y, void *scratch);
void cs_conv_s8(const cs_conv *layer, const int8_t *x, int8_t *y, void *scratch);
void cs_depthwise_s16(const cs_conv *layer, const int16_t *x, int16_t *y, void *scratch);
void cs_depthwise_s8(const cs_conv *layer, const int8_t *x, int8_t *y, void *scratch);

/* The source of a convolution whose channels are neighbours along frequency of fewer ones: row j of a channel's `neighbours`
 * (at most size, of which `before` are less than that) is its row from element j - before on, zero outside. x: [channels,
 * size]; y: [channels, neighbours, size]. */
void cs_stack_rows_s16(const int16_t *x, uint32_t channels, uint32_t size, uint32_t neighbours, uint32_t before, int16_t *y);

/* A convolution of neighbouring taps along frequency, for cores with the vector extension: int16 without other bounds, shifts
 * to the right, no multiplier of negative sums larger than the other one (python/codesign/compiler/layers/conv_runs_code.py). A
 * row is one phase of one output. Columns stand in the order frequency tap, time tap, channel, filled with zeros up to
 * `vectors` eights; rows of a group are filled up to whole blocks of 3 (up to two vectors), 2 (three) or 1. */
#define CS_RUN_CONSTANTS 6u /* of a row: bias, multiplier, multiplier of negative sums, shift after a product's high half, bytes from y
                             * to its results of the first time, and their number */

typedef struct cs_conv_runs_layer {
    const void *weights; /* int8 */
    const int32_t *constants;
    cs_conv_axis time, frequency;
    uint16_t groups, inputs, rows; /* channels and rows of one group */
    uint16_t vectors, block;       /* results along frequency that share one reading of the weights; even */
    uint32_t group_weights;        /* bytes of a group's weights */
    const int16_t *ends;           /* NULL, or weights are int16 and the first and the last result have their own: of each row
                                    * `vectors` eights of the first and as many of the last */
} cs_conv_runs_layer;

/* scratch: 12 * block + 48 bytes, and 2 * inputs * time taps * ((block - 1) * step + frequency taps) + 16, 4-byte aligned. That
 * is no more than cs_conv_s16 takes where step is at most the number of taps. */
void cs_conv_runs_s16(const cs_conv_runs_layer *layer, const int16_t *x, int16_t *y, void *scratch);

/* A depthwise convolution of three by three taps with one row of results, which keeps the size (at least 5) of a row of its
 * source, for cores with the Arm DSP or vector extension; int16 without other bounds. Its three rows are frames of a ring,
 * [channels, frames, size], `first` the number of the oldest that it reads. words: of each channel its weights and constants
 * (python/codesign/compiler/layers/packing_pairs.py; with vectors packing_rows.py). The bits are those of
 * cs_depthwise_s16. */
typedef struct cs_depthwise_rows {
    const uint32_t *words;
    uint16_t channels, frames, size;
    uint16_t first, dilation;
} cs_depthwise_rows;

/* place: where the ring's oldest frame is, less than `frames`. */
void cs_depthwise_rows_s16(const cs_depthwise_rows *layer, const int16_t *x, uint32_t place, int16_t *y);

#ifdef __cplusplus
}
#endif

#endif

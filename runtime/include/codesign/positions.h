/* SPDX-License-Identifier: Apache-2.0 */
/* Layers over positions whose weights are widened to int16, the constants of a row beside its weights
 * (python/codesign/compiler/layers/packing_pairs.py): those of few columns and rows, for cores with the Arm DSP extension, and
 * those of mostly zeros. int16 in and out, 4-byte aligned. The bits are those of cs_gru_step and
 * cs_fully_connected_wide_s16. */
#ifndef CODESIGN_POSITIONS_H
#define CODESIGN_POSITIONS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Input sums, scaled and with their biases, of `count` positions that lie `step` bytes apart: of each two positions p and q and
 * each two rows A and B the words A of p, B of p, A of q, B of q, then the next two rows, then the next two positions. With an
 * odd count the last position stands twice. rows is a multiple of 4. The last character of the name is the number of column
 * quads. */
typedef void cs_input_sums(const uint32_t *weights, const int16_t *x, int32_t *sums, uint32_t count, int32_t step, uint32_t rows);

cs_input_sums cs_input_sums_1, cs_input_sums_2, cs_input_sums_3, cs_input_sums_4;

/* GRU steps from input sums, which become scratch. Step i reads the state at `before` and writes it at `after`; then `after`
 * moves on by `step` bytes, and `before` is what was just written, or `follow` bytes further. The last characters are the
 * units. */
typedef void cs_gru_steps(const uint32_t *weights, int32_t *sums, const int16_t *before, int16_t *after, uint32_t count,
                          int32_t step, int32_t follow);

cs_gru_steps cs_gru_steps_4, cs_gru_steps_8, cs_gru_steps_12, cs_gru_steps_16;

typedef struct cs_small_gru {
    cs_input_sums *sums;
    cs_gru_steps *steps;
    const uint32_t *input_weights, *recurrent_weights;
    uint16_t inputs, units, positions;
    uint16_t stride;  /* elements of x from one position to the next, even */
    int8_t direction; /* 0: each position has a state of its own; 1, -1: a scan from the first, from the last position */
} cs_small_gru;

#define CS_SMALL_POSITIONS 16u /* positions that are worked on at a time */

/* scratch: 12 * units * (positions, at most CS_SMALL_POSITIONS, rounded up to 2) + 2 * units bytes.
 * y: [positions, units], with direction 0 the states, read and overwritten. */
void cs_gru_positions(const cs_small_gru *layer, const int16_t *x, int16_t *y, void *scratch);

/* Fully connected layers with few columns, of which `count` positions stand one after the other; int16 to int16, clamped to
 * +-32767. rows is even. The last character of the name is the number of column quads. */
typedef void cs_fully_connected_pairs(const uint32_t *weights, const int16_t *x, int16_t *y, uint32_t count, uint32_t columns,
                                      uint32_t rows);

cs_fully_connected_pairs cs_fully_connected_pairs_1, cs_fully_connected_pairs_2, cs_fully_connected_pairs_3,
    cs_fully_connected_pairs_4;

/* Any core; int16 to int16, clamped to +-32767. Of each row the words: column where its run of weights starts, plus 2^16 times
 * the words of the run; bias; multiplier; -2 - shift of cs_fully_connected; the run, two int16 weights a word. columns is
 * even. */
typedef struct cs_band_layer {
    const uint32_t *words;
    uint16_t rows, columns, positions;
} cs_band_layer;

/* x: [positions, columns]; y: [positions, rows]. */
void cs_fully_connected_banded(const cs_band_layer *layer, const int16_t *x, int16_t *y);

/* The same for cores with the vector extension, from other words (python/codesign/compiler/layers/packing_rows.py). Of each
 * four rows, zeros where there is none: the most weights that are not 0 in one of them; biases; as often as that the columns of
 * one weight of each row, 16 bits each, and the weights, 8 bits each; multipliers; shifts after a product's high half, positive
 * = left. */
void cs_fully_connected_sparse(const cs_band_layer *layer, const int16_t *x, int16_t *y);

#ifdef __cplusplus
}
#endif

#endif

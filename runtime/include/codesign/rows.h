/* SPDX-License-Identifier: Apache-2.0 */
/* Layers of few columns over positions for cores with the vector extension: rows of int16 weights stay in vectors while all
 * positions pass (python/codesign/compiler/layers/packing_rows.py). int16 in and out. The bits are those of cs_gru_step and
 * cs_fully_connected_wide_s16. */
#ifndef CODESIGN_ROWS_H
#define CODESIGN_ROWS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sums of rows of `count` positions that lie `step` bytes apart; those of a position stand `stride` bytes from the ones before.
 * The last character of the name is the number of vectors of eight columns, of which the last has `tail`; a block is six rows
 * of one vector, three of two. */
typedef void cs_row_sums(const int16_t *weights, const int16_t *x, int32_t *sums, uint32_t count, int32_t step, uint32_t blocks,
                         uint32_t stride, uint32_t tail);

cs_row_sums cs_row_sums_1, cs_row_sums_2;

/* The same of one position: `rows`, even, of one or two vectors. */
void cs_row_sums_alone(const int16_t *weights, const int16_t *x, int32_t *sums, uint32_t rows, uint32_t vectors, uint32_t tail);

/* Results, clamped to +-32767, of such sums. Of each four rows stand biases, multipliers, and shifts after a product's high
 * half, positive = left; zeros up to a multiple of 4. */
void cs_row_results(const int32_t *constants, const int32_t *sums, int16_t *y, uint32_t count, uint32_t stride, uint32_t rows);

typedef struct cs_rows {
    const int16_t *weights;
    const int32_t *constants;
    uint16_t rows, columns, positions;
} cs_rows;

#define CS_ROWS_POSITIONS 36u /* positions that a layer works on at a time */

/* x: [positions, columns]; y: [positions, rows]. scratch: 4 * (rows rounded up to whole blocks, then to 4) * (positions, at
 * most CS_ROWS_POSITIONS) bytes. */
void cs_fully_connected_rows(const cs_rows *layer, const int16_t *x, int16_t *y, void *scratch);

/* States, read and overwritten, of `count` positions from both sums; each four units' update, reset and candidate stand
 * together. The last characters of the name are the units. */
typedef void cs_gru_cells(const int32_t *constants, const int32_t *input_sums, const int32_t *recurrent_sums, int16_t *hidden,
                          uint32_t count);

cs_gru_cells cs_gru_cells_4, cs_gru_cells_8, cs_gru_cells_12, cs_gru_cells_16;

/* Steps of a scan: the first reads the state at `before`, the next ones what was just written; `after` moves on by `step`
 * bytes. The last characters of the name are the units. */
typedef void cs_gru_scan(const int32_t *constants, const int32_t *input_sums, const int16_t *before, int16_t *after,
                         uint32_t count, int32_t step);

cs_gru_scan cs_gru_scan_4, cs_gru_scan_8, cs_gru_scan_12, cs_gru_scan_16;

typedef struct cs_gru_layer_rows {
    cs_gru_scan *scan;   /* of a scan, whose recurrent weights are among the constants */
    cs_gru_cells *cells; /* where each position has a state of its own */
    const int16_t *input_weights, *recurrent_weights;
    const int32_t *constants;
    uint16_t inputs, units, positions;
    uint16_t stride;  /* elements of x from one position to the next */
    int8_t direction; /* 0: each position has a state of its own; 1, -1: a scan from the first, from the last position */
} cs_gru_layer_rows;

/* As cs_gru_positions, with scratch for at most CS_ROWS_POSITIONS positions; with direction 0 for sums of both. */
void cs_gru_rows(const cs_gru_layer_rows *layer, const int16_t *x, int16_t *y, void *scratch);

#ifdef __cplusplus
}
#endif

#endif

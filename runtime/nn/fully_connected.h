/* SPDX-License-Identifier: Apache-2.0 */
/* The core of cs_fully_connected_s8 and _s16, which differ in the output's type only. */
#ifndef CODESIGN_NN_FULLY_CONNECTED_H
#define CODESIGN_NN_FULLY_CONNECTED_H

#include "codesign/nn.h"
#include "requantize_rows.h"

/* Computes rows in blocks of CS_BLOCK_ROWS, so that the accumulators need little scratch. `wide`: y is int16. */
static inline void cs_fully_connected_core(const cs_fully_connected *layer, const int8_t *x, void *y, int wide,
                                      void *scratch)
{
    const cs_matrix *matrix = &layer->matrix;
    const uint32_t rows = matrix->rows;
    int16_t *prepared = scratch;
    int32_t *acc = (int32_t *)(void *)((uint8_t *)scratch + cs_prepared_bytes(matrix->columns));
    const void *weights = matrix->weights;

    matrix->kernel->prepare(x, matrix->columns, prepared);
    for (uint32_t first = 0; first < rows; first += CS_BLOCK_ROWS) {
        const uint32_t count = rows - first < CS_BLOCK_ROWS ? rows - first : CS_BLOCK_ROWS;

        weights = matrix->kernel->matvec(weights, prepared, CS_ROUND_UP_4(count), matrix->columns, acc);
        cs_requantize_rows(layer, acc, first, count, y, wide);
    }
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Fully connected over positions, int16 in and out, where few weights of a row are not 0. Empty without the vector extension. */
#include "codesign/positions.h"

#if defined(__ARM_FEATURE_MVE)

/* Assembly: cs_sparse_rows_mve.S says what they compute. */
void cs_sparse_rows_1(const uint32_t *words, const int16_t *x, int16_t *y, uint32_t rows, uint32_t columns);
void cs_sparse_rows_2(const uint32_t *words, const int16_t *x, int16_t *y, uint32_t rows, uint32_t columns);

void cs_fully_connected_sparse(const cs_band_layer *layer, const int16_t *x, int16_t *y)
{
    const uint32_t rows = layer->rows, columns = layer->columns;
    uint32_t left = layer->positions;

    for (; left >= 2; left -= 2, x += 2 * columns, y += 2 * rows) {
        cs_sparse_rows_2(layer->words, x, y, rows, columns);
    }
    if (left > 0) {
        cs_sparse_rows_1(layer->words, x, y, rows, columns);
    }
}

#else

typedef int cs_fully_connected_sparse_needs_the_vector_extension; /* ISO C wants one declaration a file */

#endif

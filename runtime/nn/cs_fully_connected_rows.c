/* SPDX-License-Identifier: Apache-2.0 */
/* A fully connected layer of few columns over positions, with vectors. Empty without the vector extension. */
#include "row_sums.h"

#if defined(__ARM_FEATURE_MVE)

void cs_fully_connected_rows(const cs_rows *layer, const int16_t *x, int16_t *y, void *scratch)
{
    const uint32_t rows = layer->rows, block = layer->columns <= 8 ? 6 : 3;
    const uint32_t stride = ((rows + block - 1) / block * block + 3) & ~3u;

    for (uint32_t left = layer->positions; left > 0;) {
        const uint32_t count = left < CS_ROWS_POSITIONS ? left : CS_ROWS_POSITIONS;

        cs_sums_of_rows(layer->weights, x, scratch, count, 2 * layer->columns, rows, stride, layer->columns);
        cs_row_results(layer->constants, scratch, y, count, 4 * stride, rows);
        x += count * layer->columns;
        y += count * rows;
        left -= count;
    }
}

#else

typedef int cs_fully_connected_rows_needs_the_vector_extension; /* ISO C wants one declaration a file */

#endif

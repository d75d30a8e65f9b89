/* SPDX-License-Identifier: Apache-2.0 */
/* Fully connected over positions, int16 in and out, where few weights of a row are not 0. Empty without the vector extension. */
#include "codesign/positions.h"

#if defined(__ARM_FEATURE_MVE)

/* Assembly: cs_sparse_rows_mve.S says what it computes. */
void cs_sparse_rows(const uint32_t *words, const int16_t *x, int16_t *y, uint32_t rows);

void cs_fully_connected_sparse(const cs_band_layer *layer, const int16_t *x, int16_t *y)
{
    for (uint32_t position = 0; position < layer->positions; position++) {
        cs_sparse_rows(layer->words, x + position * layer->columns, y + position * layer->rows, layer->rows);
    }
}

#else

typedef int cs_fully_connected_sparse_needs_the_vector_extension; /* ISO C wants one declaration a file */

#endif

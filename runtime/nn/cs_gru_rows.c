/* SPDX-License-Identifier: Apache-2.0 */
/* A GRU of few units over positions, with vectors: sums of some positions, then their states. Empty without the vector extension. */
#include "codesign/positions.h"
#include "codesign/rows.h"
#include "row_sums.h"

#if defined(__ARM_FEATURE_MVE)

void cs_gru_rows(const cs_gru_layer_rows *layer, const int16_t *x, int16_t *y, void *scratch)
{
    const int32_t units = layer->units, stride = layer->stride;
    const int32_t direction = layer->direction < 0 ? -1 : 1;
    const uint32_t rows = 3u * layer->units, alone = layer->direction == 0;
    uint32_t left = layer->positions, room = left < CS_ROWS_POSITIONS ? (left + 1) & ~1u : CS_ROWS_POSITIONS;
    int32_t *sums = scratch;
    int16_t *zeros = (int16_t *)(void *)(sums + rows * room);
    const int16_t *before = zeros;

    if (!alone) { /* a scan starts from zeros */
        for (int32_t u = 0; u < units; u++) {
            zeros[u] = 0;
        }
    }
    if (direction < 0) {
        x += (int32_t)(left - 1) * stride;
        y += (int32_t)(left - 1) * units;
    }
    while (left > 0) {
        const uint32_t count = left < room ? left : room;
        const int32_t moved = (int32_t)count * direction;

        cs_sums_of_rows(layer->input_weights, x, sums, count, 2 * stride * direction, rows, rows, layer->inputs);
        if (alone) {
            int32_t *recurrent = sums + room * rows;

            cs_sums_of_rows(layer->recurrent_weights, y, recurrent, count, 2 * units, rows, rows, layer->units);
            layer->cells(layer->constants, sums, recurrent, y, count);
        } else {
            layer->scan(layer->constants, sums, before, y, count, 2 * units * direction);
        }
        x += moved * stride;
        y += moved * units;
        before = y - direction * units;
        left -= count;
    }
}

#else

typedef int cs_gru_rows_needs_the_vector_extension; /* ISO C wants one declaration a file */

#endif

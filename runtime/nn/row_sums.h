/* SPDX-License-Identifier: Apache-2.0 */
/* Which form of cs_row_sums takes a number of columns. */
#ifndef CODESIGN_NN_ROW_SUMS_H
#define CODESIGN_NN_ROW_SUMS_H

#include "codesign/rows.h"

/* Sums of `rows` rows of at most 16 columns, rounded up to whole blocks; `stride` in elements. */
static inline void cs_sums_of_rows(const int16_t *weights, const int16_t *x, int32_t *sums, uint32_t count, int32_t step,
                                   uint32_t rows, uint32_t stride, uint32_t columns)
{
    if (count == 1 && rows % 2 == 0) {
        cs_row_sums_alone(weights, x, sums, rows, (columns + 7) / 8, columns <= 8 ? columns : columns - 8);
    } else if (columns <= 8) {
        cs_row_sums_1(weights, x, sums, count, step, (rows + 5) / 6, 4 * stride, columns);
    } else {
        cs_row_sums_2(weights, x, sums, count, step, (rows + 2) / 3, 4 * stride, columns - 8);
    }
}

#endif

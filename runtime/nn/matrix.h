/* Blocks of a packed matrix: layers work on CS_BLOCK_ROWS rows at a time. */
#ifndef CODESIGN_NN_MATRIX_H
#define CODESIGN_NN_MATRIX_H

#include "codesign/nn.h"

/* acc[0..count) = 256 * rows first..first+count of matrix times x; first and count are multiples of 4. */
static inline void cs_matrix_block(const cs_matrix *matrix, const int16_t *prepared, uint32_t first, uint32_t count,
                                   int32_t *acc)
{
    const uint8_t *weights = matrix->weights;
    const uint32_t columns = matrix->columns;

    matrix->kernel->matvec(weights + first * CS_ROUND_UP_4(columns), prepared, count, columns, acc);
}

#endif

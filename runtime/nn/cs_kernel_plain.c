/* Matrix times vector on any core. Weights: row-major int8, each row padded with zeros to a multiple of 4 columns. */
#include "codesign/nn.h"

static void prepare(const int8_t *x, uint32_t n, int16_t *prepared)
{
    uint32_t i;

    for (i = 0; i < n; i++) {
        prepared[i] = x[i];
    }
    for (; i < CS_ROUND_UP_4(n); i++) {
        prepared[i] = 0;
    }
}

static const void *matvec(const void *weights, const int16_t *prepared, uint32_t rows, uint32_t columns, int32_t *acc)
{
    const uint32_t stride = CS_ROUND_UP_4(columns);
    const int8_t *row = weights;

    for (uint32_t r = 0; r < rows; r++, row += stride) {
        int32_t sum = 0;

        for (uint32_t c = 0; c < stride; c++) {
            sum += (int32_t)row[c] * prepared[c];
        }
        acc[r] = (int32_t)((uint32_t)sum << 8);
    }
    return row;
}

const cs_kernel cs_kernel_plain = {prepare, matvec};

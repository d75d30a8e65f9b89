/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix times int16 vector on any core. Weights: row-major int8, each row padded with zeros to a multiple of 4 columns. */
#include "codesign/nn.h"

/* Rows that share the loads of x. Armv6-M has eight registers for addresses and arithmetic: more rows would spill. */
#if defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1
#define ROWS 2
#else
#define ROWS 4
#endif

/* A copy with zeros after it: recurrent layers overwrite their state while they still multiply it. */
static void prepare_wide(const void *values, uint32_t n, int16_t *prepared)
{
    const int16_t *x = values;
    uint32_t i;

    for (i = 0; i < n; i++) {
        prepared[i] = x[i];
    }
    for (; i < CS_ROUND_UP_4(n); i++) {
        prepared[i] = 0;
    }
}

/* Products of ROWS rows with x, modulo 2^32. Neither inlined nor unrolled by the compiler: registers are few. */
static __attribute__((noinline)) void multiply_rows(const int8_t *row, const int16_t *x, uint32_t stride, int32_t *acc)
{
    const int8_t *second = row + stride;
    uint32_t s0 = 0, s1 = 0;
#if ROWS == 4
    const int8_t *third = second + stride, *fourth = third + stride;
    uint32_t s2 = 0, s3 = 0;
#endif

#if defined(__clang__)
#pragma clang loop unroll(disable)
#endif
    for (uint32_t c = 0; c < stride; c++) {
        const int32_t value = x[c];

        s0 += (uint32_t)(row[c] * value);
        s1 += (uint32_t)(second[c] * value);
#if ROWS == 4
        s2 += (uint32_t)(third[c] * value);
        s3 += (uint32_t)(fourth[c] * value);
#endif
    }
    acc[0] = (int32_t)s0;
    acc[1] = (int32_t)s1;
#if ROWS == 4
    acc[2] = (int32_t)s2;
    acc[3] = (int32_t)s3;
#endif
}

static const void *matvec_wide(const void *weights, const int16_t *prepared, uint32_t rows, uint32_t columns, int32_t *acc)
{
    const uint32_t stride = CS_ROUND_UP_4(columns);
    const int8_t *row = weights;

    for (; rows > 0; rows -= ROWS, row += ROWS * stride, acc += ROWS) {
        multiply_rows(row, prepared, stride, acc);
    }
    return row;
}

const cs_kernel cs_kernel_wide_plain = {prepare_wide, matvec_wide};

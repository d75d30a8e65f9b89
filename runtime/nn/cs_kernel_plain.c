/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix times vector on any core. Weights: row-major int8, each row padded with zeros to a multiple of 4 columns. */
#include "codesign/nn.h"

/* Rows that share the loads of x, and the order of columns in which compilers take the fewest instructions. Armv6-M has eight
 * registers for addresses and arithmetic: more rows would spill. */
#if defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1
#define ROWS 2
#define FOR_COLUMNS(c, n) for (int32_t c = (int32_t)(n) - 1; c >= 0; c--)
#else
#define ROWS 4
#define FOR_COLUMNS(c, n) for (uint32_t c = 0; c < (n); c++)
#endif

/* A copy: the LSTM overwrites its hidden state while it still multiplies it. */
static void prepare(const void *values, uint32_t n, int16_t *prepared)
{
    const int8_t *x = values;
    int8_t *copy = (int8_t *)prepared;
    uint32_t i;

    for (i = 0; i < n; i++) {
        copy[i] = x[i];
    }
    for (; i < CS_ROUND_UP_4(n); i++) {
        copy[i] = 0;
    }
}

/* 256 * the products of ROWS rows with x. Neither inlined nor unrolled by the compiler: registers are few. */
static __attribute__((noinline)) void multiply_rows(const int8_t *row, const int8_t *x, uint32_t stride, int32_t *acc)
{
    const int8_t *second = row + stride;
    int32_t s0 = 0, s1 = 0;
#if ROWS == 4
    const int8_t *third = second + stride, *fourth = third + stride;
    int32_t s2 = 0, s3 = 0;
#endif

#if defined(__clang__)
#pragma clang loop unroll(disable)
#endif
    FOR_COLUMNS(c, stride)
    {
        const int32_t value = x[c];

        s0 += row[c] * value;
        s1 += second[c] * value;
#if ROWS == 4
        s2 += third[c] * value;
        s3 += fourth[c] * value;
#endif
    }
    acc[0] = (int32_t)((uint32_t)s0 << 8);
    acc[1] = (int32_t)((uint32_t)s1 << 8);
#if ROWS == 4
    acc[2] = (int32_t)((uint32_t)s2 << 8);
    acc[3] = (int32_t)((uint32_t)s3 << 8);
#endif
}

static const void *matvec(const void *weights, const int16_t *prepared, uint32_t rows, uint32_t columns, int32_t *acc)
{
    const uint32_t stride = CS_ROUND_UP_4(columns);
    const int8_t *row = weights;

    for (; rows > 0; rows -= ROWS, row += ROWS * stride, acc += ROWS) {
        multiply_rows(row, (const int8_t *)prepared, stride, acc);
    }
    return row;
}

const cs_kernel cs_kernel_plain = {prepare, matvec};

/* SPDX-License-Identifier: Apache-2.0 */
/* The core of cs_fully_connected_wide_s8 and _s16, which differ in the output's type only. */
#ifndef CODESIGN_NN_FULLY_CONNECTED_WIDE_H
#define CODESIGN_NN_FULLY_CONNECTED_WIDE_H

#include "arithmetic.h"
#include "codesign/nn.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
#endif

/* Sums of rows first..first+count to the output; `wide`: y is int16. Sums use all 32 bits, so that MBQM must not shift them left
 * without need. Not inlined, and what `layer` points to copied: with a pointer to bytes that it stores to, the compiler would
 * load it all again for every row. */
static __attribute__((noinline)) void cs_requantize_wide_rows(const cs_fully_connected *layer, const int32_t *acc,
                                                              uint32_t first, uint32_t count, void *y, int wide)
{
    const int32_t *bias = layer->bias + first, *multiplier = layer->multiplier + first;
    const int8_t *shift = layer->shift + first;
    const int32_t zero_point = layer->zero_point, low = layer->low, high = layer->high;
    int8_t *narrow = (int8_t *)y + first;
    int16_t *other = (int16_t *)y + first;

#if defined(__ARM_FEATURE_MVE)
    for (int32_t left = (int32_t)count; left > 0; left -= 4) {
        const mve_pred16_t real = vctp32q((uint32_t)left);
        const int32x4_t exponent = vldrbq_z_s32(shift, real);
        const int32x4_t right = vminq_s32(vaddq_n_s32(exponent, 1), vdupq_n_s32(-1)); /* after the high half */
        const int32x4_t sum = vaddq_s32(vldrwq_s32(acc), vldrwq_z_s32(bias, real));
        const int32x4_t shifted = vshlq_s32(sum, vsubq_s32(vaddq_n_s32(exponent, 1), right));
        const int32x4_t product = vmulhq_s32(shifted, vldrwq_z_s32(multiplier, real));
        int32x4_t value = vaddq_n_s32(vrshlq_s32(product, right), zero_point);

        value = vminq_s32(vmaxq_s32(value, vdupq_n_s32(low)), vdupq_n_s32(high));
        if (wide) {
            vstrhq_p_s32(other, value, real);
        } else {
            vstrbq_p_s32(narrow, value, real);
        }
        acc += 4, bias += 4, multiplier += 4, shift += 4, narrow += 4, other += 4;
    }
#else
    for (const int32_t *end = acc + count; acc < end; bias++, multiplier++, shift++) {
        const int32_t sum = (int32_t)((uint32_t)*bias + (uint32_t)*acc++);
        const int32_t value = cs_multiply_by_quantized_multiplier_31(sum, *multiplier, *shift) + zero_point;

        if (wide) {
            *other++ = (int16_t)cs_clamp(value, low, high);
        } else {
            *narrow++ = (int8_t)cs_clamp(value, low, high);
        }
    }
#endif
}

/* As cs_fully_connected_core, for int16 x. */
static inline void cs_fully_connected_wide_core(const cs_fully_connected *layer, const int16_t *x, void *y, int wide,
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
        cs_requantize_wide_rows(layer, acc, first, count, y, wide);
    }
}

#endif

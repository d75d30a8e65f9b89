/* Sums of a fully connected layer's rows to its output. */
#ifndef CODESIGN_NN_REQUANTIZE_ROWS_H
#define CODESIGN_NN_REQUANTIZE_ROWS_H

#include "arithmetic.h"
#include "codesign/nn.h"

#if defined(__ARM_FEATURE_MVE)

#include <arm_mve.h>

/* acc: 256 * sum of rows first..first+count. `wide`: y is int16. */
static inline void cs_requantize_rows(const cs_fully_connected *layer, const int32_t *acc, uint32_t first, uint32_t count,
                                      void *y, int wide)
{
    const int32x4_t low = vdupq_n_s32(layer->low), high = vdupq_n_s32(layer->high), one = vdupq_n_s32(1);
    const int32_t zero_point = layer->zero_point;
    int32_t left = (int32_t)count;

    /* cs_multiply_by_quantized_multiplier of four rows; the last vector reads sums behind the block's in scratch, and
     * no constants of rows that are not there. */
    for (uint32_t r = first; left > 0; left -= 4, r += 4, acc += 4) {
        const mve_pred16_t real = vctp32q((uint32_t)left);
        const int32x4_t shift = vldrbq_z_s32(layer->shift + r, real);
        const int32x4_t right = vmaxq_s32(vnegq_s32(shift), one);
        const int32x4_t sum = vaddq_s32(vshrq_n_s32(vldrwq_z_s32(acc, real), 8), vldrwq_z_s32(layer->bias + r, real));
        int32x4_t value = vshlq_s32(sum, vaddq_s32(vaddq_s32(shift, right), one));

        value = vmulhq_s32(value, vldrwq_z_s32(layer->multiplier + r, real));
        value = vaddq_n_s32(vrshlq_s32(value, vnegq_s32(right)), zero_point);
        value = vminq_s32(vmaxq_s32(value, low), high);
        if (wide) {
            vstrhq_p_s32((int16_t *)y + r, value, real);
        } else {
            vstrbq_p_s32((int8_t *)y + r, value, real);
        }
    }
}

#else

/* acc: 256 * sum of rows first..first+count. `wide`: y is int16. */
static inline void cs_requantize_rows(const cs_fully_connected *layer, const int32_t *acc, uint32_t first, uint32_t count,
                                      void *y, int wide)
{
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t r = first + i;
        const int32_t sum = (acc[i] >> 8) + layer->bias[r];
        int32_t value = cs_multiply_by_quantized_multiplier(sum, layer->multiplier[r], layer->shift[r]);

        value = cs_clamp(value + layer->zero_point, layer->low, layer->high);
        if (wide) {
            ((int16_t *)y)[r] = (int16_t)value;
        } else {
            ((int8_t *)y)[r] = (int8_t)value;
        }
    }
}

#endif

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of a fully connected layer's rows to its output. */
#ifndef CODESIGN_NN_REQUANTIZE_ROWS_H
#define CODESIGN_NN_REQUANTIZE_ROWS_H

#include "arithmetic.h"
#include "codesign/nn.h"

#if defined(__ARM_FEATURE_MVE)

#include <arm_mve.h>

typedef struct cs_output {
    int32_t zero_point;
    int32x4_t low, high;
} cs_output;

/* cs_multiply_by_quantized_multiplier of four rows, zero point and clamp. The doubling multiplication is one of its left shifts. */
static inline int32x4_t cs_requantize_four(int32x4_t acc, int32x4_t bias, int32x4_t multiplier, int32x4_t shift,
                                           cs_output output)
{
    const int32x4_t left = vmaxq_s32(vaddq_n_s32(shift, 1), vdupq_n_s32(0));
    const int32x4_t sum = vaddq_s32(vshrq_n_s32(acc, 8), bias);
    const int32x4_t product = vqdmulhq_s32(vshlq_s32(sum, left), multiplier);
    const int32x4_t value = vaddq_n_s32(vrshlq_s32(product, vminq_s32(shift, vdupq_n_s32(-1))), output.zero_point);

    return vminq_s32(vmaxq_s32(value, output.low), output.high);
}

/* acc: 256 * sum of rows first..first+count. `wide`: y is int16. Not inlined, and what `layer` points to copied: with a pointer
 * to bytes that it stores to, the compiler would load it all again for every row. */
static __attribute__((noinline)) void cs_requantize_rows(const cs_fully_connected *layer, const int32_t *acc, uint32_t first,
                                                         uint32_t count, void *y, int wide)
{
    const int32_t *bias = layer->bias + first, *multiplier = layer->multiplier + first;
    const int8_t *shift = layer->shift + first;
    const cs_output output = {layer->zero_point, vdupq_n_s32(layer->low), vdupq_n_s32(layer->high)};
    int8_t *narrow = (int8_t *)y + first;
    int16_t *other = (int16_t *)y + first;

    for (; count >= 4; count -= 4, acc += 4, bias += 4, multiplier += 4, shift += 4, narrow += 4, other += 4) {
        const int32x4_t value =
            cs_requantize_four(vldrwq_s32(acc), vldrwq_s32(bias), vldrwq_s32(multiplier), vldrbq_s32(shift), output);

        if (wide) {
            vstrhq_s32(other, value);
        } else {
            vstrbq_s32(narrow, value);
        }
    }
    if (count > 0) { /* constants of rows that are not there are not read */
        const mve_pred16_t real = vctp32q(count);
        const int32x4_t value = cs_requantize_four(vldrwq_z_s32(acc, real), vldrwq_z_s32(bias, real),
                                                   vldrwq_z_s32(multiplier, real), vldrbq_z_s32(shift, real), output);

        if (wide) {
            vstrhq_p_s32(other, value, real);
        } else {
            vstrbq_p_s32(narrow, value, real);
        }
    }
}

#else

#if defined(__ARM_FEATURE_DSP)

/* What a row's result goes through: `offset` before its last halving, saturation to 16 bits, `up`, saturation, `down`. The first
 * puts low where int16 ends below, the second high where it ends above: fewer instructions than two comparisons. */
typedef struct cs_output {
    int32_t offset, up, down;
} cs_output;

static inline cs_output cs_output_of(const cs_fully_connected *layer)
{
    const int32_t to_low = -32768 - layer->low;
    const int32_t to_high = 32767 - layer->high;

    return (cs_output){1 + 2 * (layer->zero_point + to_low), to_high - to_low, -to_high};
}

/* cs_multiply_by_quantized_multiplier, zero point and clamp. */
static inline int32_t cs_requantize_row(int32_t sum, int32_t multiplier, int32_t shift, const cs_output *output)
{
    int32_t right, above_low; /* right less the last halving: max(-shift - 1, 0) */

    __asm__("usat %0, #5, %1" : "=r"(right) : "r"(~shift));
    const int32_t value = cs_multiply_high((int32_t)((uint32_t)sum << (shift + right + 2)), multiplier) >> right;

    __asm__("ssat %0, #16, %1, asr #1" : "=r"(above_low) : "r"(value + output->offset));
    return cs_saturate_s16(above_low + output->up) + output->down;
}

#else

typedef struct cs_output {
    int32_t zero_point, low, high;
} cs_output;

static inline cs_output cs_output_of(const cs_fully_connected *layer)
{
    return (cs_output){layer->zero_point, layer->low, layer->high};
}

static inline int32_t cs_requantize_row(int32_t sum, int32_t multiplier, int32_t shift, const cs_output *output)
{
    const int32_t value = cs_multiply_by_quantized_multiplier(sum, multiplier, shift) + output->zero_point;

    return cs_clamp(value, output->low, output->high);
}

#endif

/* acc: 256 * sum of rows first..first+count. `wide`: y is int16, as above. */
static __attribute__((noinline)) void cs_requantize_rows(const cs_fully_connected *layer, const int32_t *acc, uint32_t first,
                                                         uint32_t count, void *y, int wide)
{
    const int32_t *bias = layer->bias + first, *multiplier = layer->multiplier + first;
    const int8_t *shift = layer->shift + first;
    const cs_output output = cs_output_of(layer);
    int8_t *narrow = (int8_t *)y + first;
    int16_t *other = (int16_t *)y + first;

    for (; count > 0; count--) {
        const int32_t sum = *bias++ + (*acc++ >> 8);
        const int32_t value = cs_requantize_row(sum, *multiplier++, *shift++, &output);

        if (wide) {
            *other++ = (int16_t)value;
        } else {
            *narrow++ = (int8_t)value;
        }
    }
}

#endif

#endif

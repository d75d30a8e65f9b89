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
    int32_t right; /* less the last halving: max(-shift - 1, 0) */
    __asm__("usat %0, #5, %1" : "=r"(right) : "r"(~shift));
    const int32_t value = cs_multiply_high((int32_t)((uint32_t)sum << (shift + right + 2)), multiplier) >> right;

    return cs_saturate_s16(cs_saturate_s16((value + output->offset) >> 1) + output->up) + output->down;
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

/* acc: 256 * sum of rows first..first+count. `wide`: y is int16. Not inlined, and what `layer` points to copied: with a pointer
 * to bytes that it stores to, the compiler would load it all again for every row. */
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

/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of one output channel to its results. */
#ifndef CODESIGN_NN_CONV_OUTPUT_H
#define CODESIGN_NN_CONV_OUTPUT_H

#include "arithmetic.h"
#include "codesign/conv.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>
#endif

/* What all results of a channel go through. */
typedef struct cs_channel {
    int32_t multiplier, negative, shift, zero_point, low, high;
    uint32_t twice;
} cs_channel;

static inline cs_channel cs_channel_of(const cs_conv *layer, uint32_t channel)
{
    const int32_t multiplier = layer->multiplier[channel];
    const int32_t negative = layer->negative != 0 ? layer->negative[channel] : multiplier;

    return (cs_channel){multiplier, negative, layer->shift[channel], layer->zero_point, layer->low, layer->high, layer->twice};
}

/* floor(value * multiplier * 2^(shift - 31) + 1/2) for shift >= -1, cut to 2^30 where it is larger; every value. */
static inline int32_t cs_rescale_left(int32_t value, int32_t multiplier, int32_t shift)
{
    const int32_t high = cs_multiply_high(value, multiplier);
    const uint32_t low = (uint32_t)value * (uint32_t)multiplier;
    const int32_t right = 31 - shift; /* of the 64-bit product, 1..32 */

    if (right == 32) {
        return high + (int32_t)(low >> 31);
    }
    if (high >> (right - 1) != 0 && high >> (right - 1) != -1) { /* more than 32 bits */
        return high < 0 ? -(1 << 30) : 1 << 30;
    }
    const int32_t floor = (int32_t)((uint32_t)high << (32 - right) | low >> right);

    return cs_clamp(floor, -(1 << 30), 1 << 30) + (int32_t)((low >> (right - 1)) & 1u);
}

/* Rounded to 31 bits of the product, then to the shift with halves away from zero. |value| * 2^max(shift, 0) < 2^31. */
static inline int32_t cs_rescale_twice(int32_t value, int32_t multiplier, int32_t shift)
{
    const int32_t right = shift < 0 ? -shift : 0;
    const int32_t scaled = (int32_t)((uint32_t)value << (shift + right));
    const uint32_t low = (uint32_t)scaled * (uint32_t)multiplier, rounded = low + (1u << 30);
    const uint32_t high = (uint32_t)cs_multiply_high(scaled, multiplier) + (rounded < low ? 1u : 0u);
    const int32_t product = (int32_t)(high << 1 | rounded >> 31);
    const int32_t mask = (int32_t)((1u << right) - 1u);

    return (product >> right) + ((product & mask) > (mask >> 1) + (product < 0 ? 1 : 0) ? 1 : 0);
}

#define CS_STORE(value)                  \
    do {                                 \
        const int32_t result_ = (value); \
        if (wide) {                      \
            *other = (int16_t)result_;   \
        } else {                         \
            *narrow = (int8_t)result_;   \
        }                                \
        other += step;                   \
        narrow += step;                  \
    } while (0)

/* Any shift, any rounding. */
static __attribute__((noinline)) void cs_conv_output_rare(const cs_channel *channel, const int32_t *acc, uint32_t count,
                                                          void *y, uint32_t step, int wide)
{
    const int32_t shift = channel->shift;
    int16_t *other = y;
    int8_t *narrow = y;

    for (; count > 0; count--) {
        const int32_t sum = *acc++, multiplier = sum < 0 ? channel->negative : channel->multiplier;
        int32_t value;

        if (channel->twice) {
            value = cs_clamp(cs_rescale_twice(sum, multiplier, shift), -(1 << 30), 1 << 30);
        } else if (shift >= -1) {
            value = cs_rescale_left(sum, multiplier, shift);
        } else {
            value = cs_multiply_high_add(sum, multiplier, 1 << (-2 - shift)) >> (-1 - shift);
        }
        CS_STORE(cs_clamp(value + channel->zero_point, channel->low, channel->high));
    }
}

#if defined(__ARM_FEATURE_MVE)

/* What a channel's sums go through: the bias is added, then a multiplier by the sign, `shift` after the product's high half, limits. */
typedef struct cs_run {
    int32_t positive, negative, shift, low, high, bias;
} cs_run;

/* Assembly: cs_conv_results.S says what it computes. */
void cs_conv_results(const cs_run *run, const int32_t *acc, uint32_t count, int16_t *y, uint32_t step);

static inline void cs_conv_output_run(const cs_channel *channel, const int32_t *acc, uint32_t count, void *y, uint32_t step,
                                      int wide, int same)
{
    const int32x4_t positive = vdupq_n_s32(channel->multiplier), negative = vdupq_n_s32(channel->negative);
    const int32x4_t shift = vdupq_n_s32(channel->shift + 1);
    const int32x4_t low = vdupq_n_s32(channel->low), high = vdupq_n_s32(channel->high);
    const int32_t zero_point = channel->zero_point;
    const uint32x4_t places = vmulq_n_u32(vidupq_n_u32(0, 1), step);
    int16_t *other = y;
    int8_t *narrow = y;

    for (int32_t left = (int32_t)count; left > 0; left -= 4, acc += 4, other += 4 * step, narrow += 4 * step) {
        const mve_pred16_t real = vctp32q((uint32_t)left);
        const int32x4_t sums = vldrwq_z_s32(acc, real);
        const int32x4_t multiplier = same ? positive : vpselq_s32(negative, positive, vcmpltq_n_s32(sums, 0));
        const int32x4_t scaled = vaddq_n_s32(vrshlq_s32(vmulhq_s32(sums, multiplier), shift), zero_point);
        const int32x4_t value = vminq_s32(vmaxq_s32(scaled, low), high);

        if (wide) {
            vstrhq_scatter_shifted_offset_p_s32(other, places, value, real);
        } else {
            vstrbq_scatter_offset_p_s32(narrow, places, value, real);
        }
    }
}

#define CS_MOST_RIGHT 30

#elif defined(__ARM_FEATURE_DSP)

/* What a channel's sums go through: rounding, the shift, saturation to 16 bits, `up`, saturation, `down`. The first saturation
 * puts low where int16 ends below, what it takes to get there joins the rounding; the second puts high where it ends above. */
typedef struct cs_run {
    int32_t positive, flip, offset, right, up, down;
} cs_run;

static inline cs_run cs_run_of(const cs_channel *channel)
{
    const int32_t right = -1 - channel->shift;
    const int32_t offset = (1 << (right - 1)) + (channel->zero_point - 32768 - channel->low) * (1 << right);
    const int32_t up = 65535 + channel->low - channel->high, down = channel->high - 32767;

    return (cs_run){channel->multiplier, channel->multiplier ^ channel->negative, offset, right, up, down};
}

/* Assembly: cs_conv_results.S says what it computes. */
void cs_conv_results(const cs_run *run, const int32_t *acc, uint32_t count, int16_t *y, uint32_t step);

/* One sum up to the first saturation. In assembly, else compilers make the choice of a multiplier a comparison. */
static inline int32_t cs_run_one(const cs_run *run, int32_t sum, int same)
{
    int32_t multiplier = run->positive;

    if (!same) {
        __asm__("and %0, %1, %2, asr #31" : "=r"(multiplier) : "r"(run->flip), "r"(sum));
        multiplier ^= run->positive;
    }
    return cs_saturate_s16(cs_multiply_high_add(sum, multiplier, run->offset) >> run->right);
}

static inline void cs_conv_output_run(const cs_channel *channel, const int32_t *acc, uint32_t count, void *y, uint32_t step,
                                      int wide, int same)
{
    const cs_run run = cs_run_of(channel);
    int16_t *other = y;
    int8_t *narrow = y;

    if (wide && run.down == 0 && run.up <= 32767) {
        cs_conv_results(&run, acc, count, other, step);
        return;
    }
    for (; count > 0; count--) {
        CS_STORE(cs_saturate_s16(cs_run_one(&run, *acc++, same) + run.up) + run.down);
    }
}

#define CS_MOST_RIGHT 13 /* beyond, the offset has no room beside the product */

#else

static inline void cs_conv_output_run(const cs_channel *channel, const int32_t *acc, uint32_t count, void *y, uint32_t step,
                                      int wide, int same)
{
    const int32_t right = -1 - channel->shift, half = 1 << (right - 1);
    const int32_t positive = channel->multiplier, negative = channel->negative;
    const int32_t zero_point = channel->zero_point, low = channel->low, high = channel->high;
    int16_t *other = y;
    int8_t *narrow = y;

    for (; count > 0; count--) {
        const int32_t sum = *acc++, multiplier = same || sum >= 0 ? positive : negative;

        CS_STORE(cs_clamp((cs_multiply_high_add(sum, multiplier, half) >> right) + zero_point, low, high));
    }
}

#define CS_MOST_RIGHT 30

#endif

/* acc[0..count): bias and products. Result i to y[i * step]; `wide`: y is int16, else int8. */
static __attribute__((noinline)) void cs_conv_output(const cs_channel *channel, const int32_t *acc, uint32_t count, void *y,
                                                     uint32_t step, int wide)
{
    const int32_t right = -1 - channel->shift;

    if (channel->twice || right < 1 || right > CS_MOST_RIGHT) {
        cs_conv_output_rare(channel, acc, count, y, step, wide);
    } else if (channel->multiplier == channel->negative) {
        cs_conv_output_run(channel, acc, count, y, step, wide, 1);
    } else {
        cs_conv_output_run(channel, acc, count, y, step, wide, 0);
    }
}

#endif

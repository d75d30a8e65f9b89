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

#if defined(__ARM_FEATURE_DSP)

/* Low and high bounds by saturation to 16 bits: fewer instructions than two comparisons. */
#define CS_BOUNDS(channel) \
    const int32_t to_low = (channel)->zero_point - 32768 - (channel)->low; \
    const int32_t up = 65535 + (channel)->low - (channel)->high, down = (channel)->high - 32767
#define CS_BOUND(value) (cs_saturate_s16(cs_saturate_s16((value) + to_low) + up) + down)

#else

#define CS_BOUNDS(channel) const int32_t zero_point = (channel)->zero_point, low = (channel)->low, high = (channel)->high
#define CS_BOUND(value) cs_clamp((value) + zero_point, low, high)

#endif

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

/* acc[0..count): bias and products. Result i to y[i * step]; `wide`: y is int16, else int8. */
static inline void cs_conv_output(const cs_channel *channel, const int32_t *acc, uint32_t count, void *y, uint32_t step,
                                  int wide)
{
    const int32_t positive = channel->multiplier, negative = channel->negative;
    const int32_t right = -1 - channel->shift; /* behind the high word of the product */
    int16_t *other = y;
    int8_t *narrow = y;
    CS_BOUNDS(channel);

    if (channel->twice) {
        for (; count > 0; count--, acc++) {
            const int32_t value = cs_rescale_twice(*acc, *acc < 0 ? negative : positive, channel->shift);

            CS_STORE(CS_BOUND(cs_clamp(value, -(1 << 30), 1 << 30)));
        }
    } else if (right < 1) {
        for (; count > 0; count--, acc++) {
            CS_STORE(CS_BOUND(cs_rescale_left(*acc, *acc < 0 ? negative : positive, channel->shift)));
        }
    } else if (positive == negative) {
        const int32_t half = 1 << (right - 1);

        for (; count > 0; count--) {
            CS_STORE(CS_BOUND(cs_multiply_high_add(*acc++, positive, half) >> right));
        }
    } else {
        const int32_t half = 1 << (right - 1);

        for (; count > 0; count--) {
            const int32_t sum = *acc++;

            CS_STORE(CS_BOUND(cs_multiply_high_add(sum, sum < 0 ? negative : positive, half) >> right));
        }
    }
}

#endif

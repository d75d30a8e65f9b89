/* SPDX-License-Identifier: Apache-2.0 */
#include "broadcast.h"

#if defined(__ARM_FEATURE_DSP) || defined(__ARM_FEATURE_MVE)

/* Rounded products' high halves, shifted: of x above 0 by the first of each two numbers, below 0 of x times a slope by the second. A
 * negative one of these is one less before its shift, so that halves are rounded away from 0. */
typedef struct cs_slope {
    int32_t left, above, below; /* 2^left is the slope above 0; multipliers */
    int32_t above_shift, below_shift; /* negative: right */
} cs_slope;

static inline int32_t positive(int32_t value)
{
    return value > 0 ? value : 0;
}

/* Whether vectors, or products of 32 bits, have all bits of the results: no bounds but int16's, and no product that overflows. */
static int is_whole(const cs_slopes *layer)
{
    const cs_rescale *above = &layer->above;

    return above->wide_in && above->wide && above->zero_point_in == 0 && above->zero_point == 0 && above->low == -32767 &&
           above->high == 32767 && above->shift <= 14 && layer->shift <= 0 && above->multiplier >= 0 && layer->multiplier >= 0;
}

#if defined(__ARM_FEATURE_MVE)

/* Assembly: cs_slope_run_mve.S. `less` is added to products below 0. */
void cs_slope_run(const cs_slope *numbers, const int16_t *x, int16_t *y, uint32_t n, int32_t slope, int32_t less);

#else

/* floor(a * b / 2^32 + 1/2) */
static inline int32_t multiply_rounded(int32_t a, int32_t b)
{
    int32_t result;
    __asm__("smmulr %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
    return result;
}

/* The rounding is less one step, for the sake of saturation to -32767. */
static __attribute__((noinline)) void cs_slope_run(const cs_slope *numbers, const int16_t *x, int16_t *y, uint32_t n, int32_t slope,
                                                   int32_t less)
{
    const int32_t left = 2 * numbers->left, above = numbers->above, below = numbers->below;
    const int32_t above_right = -numbers->above_shift, below_right = -numbers->below_shift;
    const int32_t above_round = ((1 << above_right) >> 1) - (1 << above_right);
    const int32_t below_round = ((1 << below_right) >> 1) - (1 << below_right) + less;

    slope *= 2;
    for (; n > 0; n--) {
        const int32_t value = *x++;
        int32_t result;

        if (value >= 0) {
            result = (multiply_rounded(value * left, above) + above_round) >> above_right;
        } else {
            result = (multiply_rounded(value * slope, below) + below_round) >> below_right;
        }
        *y++ = (int16_t)cs_saturate_s16(cs_saturate_s16(result) + 1);
    }
}

#endif

/* The same as below for layers that are whole; slopes are within +-32767. */
static void apply_whole(const cs_slopes *layer, const int16_t *x, int16_t *y, uint32_t n)
{
    const cs_slope numbers = {1 << positive(layer->above.shift), layer->above.multiplier, layer->multiplier,
                              -positive(-layer->above.shift), layer->shift};

    for (uint32_t i = 0, channel = 0; i < n; i += layer->inner, channel = channel + 1 < layer->channels ? channel + 1 : 0) {
        const int32_t slope = layer->slopes[channel];

        cs_slope_run(&numbers, x + i, y + i, layer->inner, slope, slope > 0 && layer->shift < 0 ? -1 : 0);
    }
}

#endif

void cs_apply_slopes(const cs_slopes *layer, const void *x, void *y, uint32_t n)
{
    const cs_rescale *above = &layer->above;

#if defined(__ARM_FEATURE_DSP) || defined(__ARM_FEATURE_MVE)
    if (is_whole(layer)) {
        apply_whole(layer, x, y, n);
        return;
    }
#endif
    for (uint32_t i = 0, channel = 0; i < n; channel = channel + 1 < layer->channels ? channel + 1 : 0) {
        const int32_t slope = layer->slopes[channel];

        for (const uint32_t end = i + layer->inner; i < end; i++) {
            const int32_t value = cs_element(x, i, above->wide_in) - above->zero_point_in;
            const int32_t scaled =
                value >= 0 ? cs_multiply_twice_rounded(value, above->multiplier, above->shift)
                           : cs_multiply_twice_rounded(value * slope, layer->multiplier, layer->shift);

            cs_store_element(y, i, above->wide, cs_clamp(scaled + above->zero_point, above->low, above->high));
        }
    }
}

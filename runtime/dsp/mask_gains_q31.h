/* SPDX-License-Identifier: Apache-2.0 */
/* A mask to the gains of bins in fixed point, bin after bin, and how far a spectrum reaches. */
#ifndef CODESIGN_MASK_GAINS_Q31_H
#define CODESIGN_MASK_GAINS_Q31_H

#include "codesign/dsp_q31.h"
#include "fixed_rules.h"

/* The mask's values, n_mels words. */
static inline void cs_dequantize_mask(const cs_frontend_q31 *front, const void *mask, int32_t *restrict values)
{
    const int16_t *wide = mask;
    const int8_t *narrow = mask;
    const int32_t zero_point = front->mask_zero_point, multiplier = front->mask_multiplier, shift = front->mask_shift;
    if (front->mask_is_int16) {
        for (uint32_t i = 0; i < front->size.n_mels; i++) {
            values[i] = cs_multiply_high(cs_shift_up(wide[i] - zero_point, shift), multiplier);
        }
    } else {
        for (uint32_t i = 0; i < front->size.n_mels; i++) {
            values[i] = cs_multiply_high(cs_shift_up(narrow[i] - zero_point, shift), multiplier);
        }
    }
}

/* The next bin's row of the matrix that spreads the mask over the bins. */
typedef struct cs_gain_row {
    const int32_t *values;
    const uint16_t *start, *length;
    const int32_t *weights;
} cs_gain_row;

static inline int32_t cs_next_gain(cs_gain_row *row)
{
    const int32_t *column = row->values + *row->start++;
    const int32_t *end = row->weights + *row->length++;
    int32_t gain = 0;
    while (row->weights != end) {
        gain += cs_multiply_high(*column++, *row->weights++);
    }
    return cs_shift_up(gain, 1);
}

typedef struct cs_spread_sums {
    uint32_t bits, eighths; /* of absolute values, these less at most one a bin */
} cs_spread_sums;

static inline void cs_spread_add(cs_spread_sums *sums, const int32_t *bin)
{
    const uint32_t re = cs_bits(bin[0]), im = cs_bits(bin[1]);
    sums->bits |= re | im;
    sums->eighths += (re + im) >> 3;
}

static inline cs_spread_q31 cs_spread_of(const cs_frontend_q31 *front, cs_spread_sums sums)
{
    const int32_t headroom = cs_leading_zeros(sums.bits) - 4;
    const uint32_t eighths = sums.eighths + front->size.n_fft; /* what was cut, and 2 a bin for negative values */
    return (cs_spread_q31){headroom, headroom + 35 - cs_leading_zeros(eighths)};
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/dsp_q31.h"
#include "fixed_rules.h"

static void dequantize(const cs_frontend_q31 *front, const void *mask, int32_t *restrict gains)
{
    const int16_t *wide = mask;
    const int8_t *narrow = mask;
    const int32_t zero_point = front->mask_zero_point, multiplier = front->mask_multiplier, shift = front->mask_shift;
    if (front->mask_is_int16) {
        for (uint32_t i = 0; i < front->size.n_mels; i++) {
            gains[i] = cs_multiply_high(cs_shift_up(wide[i] - zero_point, shift), multiplier);
        }
    } else {
        for (uint32_t i = 0; i < front->size.n_mels; i++) {
            gains[i] = cs_multiply_high(cs_shift_up(narrow[i] - zero_point, shift), multiplier);
        }
    }
}

__attribute__((noinline)) cs_spread_q31 cs_apply_mask_q31(const cs_frontend_q31 *front, const void *mask,
                                                          int32_t *spectrum, int32_t *work)
{
    const uint16_t *start = front->bins.start, *length = front->bins.length;
    const int32_t *w = front->bins.weights;
    uint32_t bits = 0, sum = 0; /* of absolute values, in eighths, less at most one a bin */
    dequantize(front, mask, work);
    for (int32_t *end = spectrum + front->size.n_fft + 2; spectrum != end; spectrum += 2) {
        const int32_t *column = work + *start++;
        const int32_t *row_end = w + *length++;
        int32_t gain = 0;
        while (w != row_end) {
            gain += cs_multiply_high(*column++, *w++);
        }
        gain = cs_shift_up(gain, 1);
        spectrum[0] = cs_multiply_high(spectrum[0], gain);
        spectrum[1] = cs_multiply_high(spectrum[1], gain);
        const uint32_t re = cs_bits(spectrum[0]), im = cs_bits(spectrum[1]);
        bits |= re | im;
        sum += (re + im) >> 3;
    }
    const int32_t headroom = cs_leading_zeros(bits) - 4;
    sum += front->size.n_fft; /* what was cut, and 2 a bin for negative values */
    return (cs_spread_q31){headroom, headroom + 35 - cs_leading_zeros(sum)};
}

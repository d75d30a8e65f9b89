/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/dsp_q31.h"
#include "fixed_rules.h"

#define LIMIT ((1 << 30) - 1) /* of the overlap: 8 times full scale; the sum of two fits a word */

/* y * window, brought to Q12 of PCM: up to 29 bits up, saturating, or down. */
typedef struct scale {
    int32_t up, down, limit;
} scale;

static inline int32_t weighted(int32_t y, int32_t window, scale s)
{
    const int32_t product = cs_multiply_high(y, window);
    return cs_shift_up(cs_clamp(product, -s.limit, s.limit), s.up) >> s.down;
}

static inline int32_t added(int32_t overlap, int32_t y)
{
    return cs_clamp(overlap + y, -LIMIT, LIMIT);
}

static inline int16_t to_pcm(int32_t v)
{
    return (int16_t)cs_saturate_s16((v + (1 << 11)) >> 12);
}

__attribute__((noinline)) void cs_synthesis_q31(const cs_frontend_q31 *front, int32_t *spectrum, int32_t gain,
                                                cs_spread_q31 spread, int32_t *work, int32_t *overlap, int16_t *out)
{
    const uint32_t hop = front->size.hop, past = front->size.window - hop;
    const int32_t *frame = spectrum, *window = front->synthesis_window;
    const int32_t shifted = gain + cs_irfft_q31(&front->fft, spectrum, spread, work);
    const int32_t up = 50 + front->fft.log2_n - (front->mask_shift - 1 - front->mask_exponent) - shifted;
    const int32_t raised = cs_clamp(up, 0, 29);
    const scale s = {raised, cs_clamp(-up, 0, 31), LIMIT >> raised};
    for (uint32_t i = 0; i < hop; i++) {
        out[i] = to_pcm(added(overlap[i], weighted(frame[i], window[i], s)));
    }
    /* What stays moves to the front; the newest hop has nothing to be added to. */
    frame += hop;
    window += hop;
    for (uint32_t i = 0; i < past - hop; i++) {
        overlap[i] = added(overlap[i + hop], weighted(frame[i], window[i], s));
    }
    for (uint32_t i = past - hop; i < past; i++) {
        overlap[i] = weighted(frame[i], window[i], s);
    }
}

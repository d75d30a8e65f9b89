/* SPDX-License-Identifier: Apache-2.0 */
/* Polyphase filters: down, only the samples that stay are computed; up, only the taps that meet a sample. */
#include "../nn/arithmetic.h"
#include "codesign/capture.h"
#include "convolve_s16.h"

#define TAP_BITS 15

static int16_t rounded(int32_t sum)
{
    return (int16_t)cs_saturate_s16((sum + (1 << (TAP_BITS - 1))) >> TAP_BITS);
}

/* `some` samples of a known ratio. */
__attribute__((always_inline)) static inline void down(const int16_t *taps, const int16_t *past, int16_t *out, uint32_t some, uint32_t ratio)
{
    const uint32_t fours = some & ~3u;
    for (uint32_t i = 0; i < fours; i += 4, past += 4 * ratio) {
        int32_t sums[4];
        cs_four_dots_s16(taps, past, ratio, ratio * CS_PHASE_TAPS, sums);
        for (uint32_t k = 0; k < 4; k++) {
            out[i + k] = rounded(sums[k]);
        }
    }
    for (uint32_t i = fours; i < some; i++, past += ratio) {
        out[i] = rounded(cs_dot_s16(taps, past, ratio * CS_PHASE_TAPS));
    }
}

void cs_resample_down(const cs_resampler *resampler, int16_t *past, const int16_t *in, int16_t *out, uint32_t n)
{
    const uint32_t ratio = resampler->ratio, kept = ratio * (CS_PHASE_TAPS - 1);
    while (n > 0) {
        const uint32_t some = n < CS_CAPTURE_RUN ? n : CS_CAPTURE_RUN;
        __builtin_memcpy(past + kept, in, ratio * some * sizeof *in);
        if (ratio == 2) {
            down(resampler->taps, past, out, some, 2);
        } else {
            down(resampler->taps, past, out, some, 3);
        }
        cs_keep(past, kept, ratio * some);
        in += ratio * some;
        out += some;
        n -= some;
    }
}

static void up(const cs_resampler *resampler, const int16_t *past, int16_t *out, uint32_t some)
{
    const int32_t ratio = resampler->ratio;
    const int16_t *phase = resampler->phases;
    const uint32_t fours = some & ~3u;
    for (int32_t p = 0; p < ratio; p++, phase += CS_PHASE_TAPS) {
        int16_t *to = out + p;
        for (uint32_t i = 0; i < fours; i += 4) {
            int32_t sums[4];
            cs_convolve_four_s16(phase, past + i, CS_PHASE_TAPS, sums);
            for (uint32_t k = 0; k < 4; k++, to += ratio) {
                *to = rounded(ratio * sums[k]);
            }
        }
        for (uint32_t i = fours; i < some; i++, to += ratio) {
            *to = rounded(ratio * cs_dot_s16(phase, past + i, CS_PHASE_TAPS));
        }
    }
}

void cs_resample_up(const cs_resampler *resampler, int16_t *past, const int16_t *in, int16_t *out, uint32_t n)
{
    const uint32_t ratio = resampler->ratio, kept = CS_PHASE_TAPS - 1;
    while (n > 0) {
        const uint32_t some = n < CS_CAPTURE_RUN ? n : CS_CAPTURE_RUN;
        __builtin_memcpy(past + kept, in, some * sizeof *in);
        up(resampler, past, out, some);
        cs_keep(past, kept, some);
        in += some;
        out += ratio * some;
        n -= some;
    }
}

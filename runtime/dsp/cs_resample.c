/* SPDX-License-Identifier: Apache-2.0 */
/* Polyphase filters: down, only the samples that stay are computed; up, only the taps that meet a sample. */
#include "../nn/arithmetic.h"
#include "codesign/capture.h"
#include "dot_s16.h"

#define TAP_BITS 15

static int16_t rounded(int32_t sum)
{
    return (int16_t)cs_saturate_s16((sum + (1 << (TAP_BITS - 1))) >> TAP_BITS);
}

void cs_resample_down(const cs_resampler *resampler, int16_t *past, const int16_t *in, int16_t *out, uint32_t n)
{
    const uint32_t ratio = resampler->ratio, taps = ratio * CS_PHASE_TAPS, kept = taps - ratio;
    while (n > 0) {
        const uint32_t some = n < CS_CAPTURE_RUN ? n : CS_CAPTURE_RUN;
        __builtin_memcpy(past + kept, in, ratio * some * sizeof *in);
        for (uint32_t i = 0; i < some; i++) {
            out[i] = rounded(cs_dot_s16(resampler->taps, past + ratio * i, taps));
        }
        cs_keep(past, kept, ratio * some);
        in += ratio * some;
        out += some;
        n -= some;
    }
}

void cs_resample_up(const cs_resampler *resampler, int16_t *past, const int16_t *in, int16_t *out, uint32_t n)
{
    const uint32_t ratio = resampler->ratio, kept = CS_PHASE_TAPS - 1;
    while (n > 0) {
        const uint32_t some = n < CS_CAPTURE_RUN ? n : CS_CAPTURE_RUN;
        __builtin_memcpy(past + kept, in, some * sizeof *in);
        for (uint32_t i = 0; i < some; i++) {
            const int16_t *phase = resampler->phases;
            for (uint32_t p = 0; p < ratio; p++, phase += CS_PHASE_TAPS) {
                *out++ = rounded((int32_t)ratio * cs_dot_s16(phase, past + i, CS_PHASE_TAPS));
            }
        }
        cs_keep(past, kept, some);
        in += some;
        n -= some;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/dsp_q31.h"
#include "fixed_rules.h"

static uint32_t bits_of(const int16_t *pcm, uint32_t n)
{
    uint32_t bits = 0;
    for (const int16_t *end = pcm + n; pcm != end; pcm++) {
        bits |= cs_bits(*pcm);
    }
    return bits;
}

static void apply_window(const int16_t *restrict pcm, const int32_t *restrict window, uint32_t n, int32_t gain,
                         int32_t *restrict frame)
{
    for (const int32_t *end = frame + n; frame != end;) {
        *frame++ = cs_multiply_high(cs_shift_up(*pcm++, gain), *window++);
    }
}

__attribute__((noinline)) int32_t cs_analysis_q31(const cs_frontend_q31 *front, int16_t *history, const int16_t *in,
                                                  int32_t *spectrum, int32_t *work)
{
    const uint32_t n_fft = front->size.n_fft, window = front->size.window, hop = front->size.hop, past = window - hop;
    const int32_t gain = cs_leading_zeros(bits_of(history, past) | bits_of(in, hop)) - 1;
    apply_window(history, front->analysis_window, past, gain, spectrum);
    apply_window(in, front->analysis_window + past, hop, gain, spectrum + past);
    __builtin_memset(spectrum + window, 0, (n_fft - window) * sizeof *spectrum);

    for (uint32_t i = 0; i + hop < past; i += hop) { /* hop by hop, so that no copy overlaps itself */
        __builtin_memcpy(history + i, history + i + hop, hop * sizeof *history);
    }
    __builtin_memcpy(history + past - hop, in, hop * sizeof *history);

    cs_rfft_q31(&front->fft, spectrum, work);
    return gain;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/dsp.h"
#include "float_rules.h"

static void apply_window(const int16_t *restrict pcm, const float *restrict window, uint32_t n, float *restrict frame)
{
    for (uint32_t i = 0; i < n; i++) {
        frame[i] = (float)pcm[i] * (1.0f / 32768.0f) * window[i];
    }
}

__attribute__((noinline)) void cs_analysis(const cs_frontend *front, int16_t *history, const int16_t *in,
                                           float *spectrum, float *work)
{
    const uint32_t hop = front->size.hop, past = front->size.window - hop;
    apply_window(history, front->analysis_window, past, spectrum);
    apply_window(in, front->analysis_window + past, hop, spectrum + past);
    __builtin_memset(spectrum + front->size.window, 0, (front->size.n_fft - front->size.window) * sizeof *spectrum);

    for (uint32_t i = 0; i + hop < past; i += hop) { /* hop by hop, so that no copy overlaps itself */
        __builtin_memcpy(history + i, history + i + hop, hop * sizeof *history);
    }
    __builtin_memcpy(history + past - hop, in, hop * sizeof *history);

    cs_rfft(&front->fft, spectrum, work);
}

#include "float_rules_end.h"

/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/dsp.h"
#include "float_rules.h"

static inline int16_t to_pcm(float v)
{
    return (int16_t)cs_limit(cs_round(v * 32768.0f), -32768, 32767);
}

__attribute__((noinline)) void cs_synthesis(const cs_frontend *front, float *spectrum, float *work, float *overlap,
                                            int16_t *out)
{
    const uint32_t hop = front->size.hop, past = front->size.window - hop;
    const float *frame = spectrum, *window = front->synthesis_window;
    cs_irfft(&front->fft, spectrum, work);
    for (uint32_t i = 0; i < hop; i++) {
        out[i] = to_pcm(overlap[i] + frame[i] * window[i]);
    }
    /* What stays moves to the front; the newest hop has nothing to be added to. */
    frame += hop;
    window += hop;
    for (uint32_t i = 0; i < past - hop; i++) {
        overlap[i] = overlap[i + hop] + frame[i] * window[i];
    }
    for (uint32_t i = past - hop; i < past; i++) {
        overlap[i] = frame[i] * window[i];
    }
}

#include "float_rules_end.h"

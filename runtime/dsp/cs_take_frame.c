/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/chain.h"
#include "float_vectors.h"
#include "float_rules.h"

static void apply_window(const int16_t *restrict pcm, const float *restrict window, uint32_t n, float *restrict frame)
{
#if CS_FLOAT_VECTORS
    if (cs_window_vectors(pcm, window, frame, n)) {
        return;
    }
#endif
    for (uint32_t i = 0; i < n; i++) {
        frame[i] = (float)pcm[i] * (1.0f / 32768.0f) * window[i];
    }
}

void cs_take_frame(const cs_frame_size *size, const float *window, int16_t *history, const int16_t *in, float *frame)
{
    const uint32_t hop = size->hop, past = size->window - hop;
    apply_window(history, window, past, frame);
    apply_window(in, window + past, hop, frame + past);
    __builtin_memset(frame + size->window, 0, (size->n_fft - size->window) * sizeof *frame);

    const uint32_t kept = past > hop ? past - hop : 0;
    for (uint32_t i = 0; i < kept; i += hop) { /* hop by hop, so that no copy overlaps itself */
        __builtin_memcpy(history + i, history + i + hop, (kept - i < hop ? kept - i : hop) * sizeof *history);
    }
    __builtin_memcpy(history + kept, in + hop - (past - kept), (past - kept) * sizeof *history);
}

#include "float_rules_end.h"

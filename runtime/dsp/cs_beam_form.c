/* SPDX-License-Identifier: Apache-2.0 */
/* Two filters, one for each microphone, added up; of a differential beamformer a sum over time that slowly forgets. */
#include "../nn/arithmetic.h"
#include "codesign/capture.h"
#include "dot_s16.h"

#define KEPT  (2 * (CS_BEAM_TAPS - 1))
#define LIMIT (1 << 30)

static int32_t clamped(int64_t a)
{
    return (int32_t)(a > LIMIT ? LIMIT : a < -LIMIT ? -LIMIT : a);
}

static int16_t next(const cs_beam *beam, cs_beam_state *state, const int16_t *frames)
{
    int32_t level = cs_dot_s16(beam->taps, frames, 2 * CS_BEAM_TAPS) >> beam->shift;
    if (beam->leak != 0) {
        const int64_t lost = ((int64_t)state->level * beam->leak) >> 32;
        level = clamped(state->level - lost + level);
        state->level = level;
    }
    return (int16_t)cs_saturate_s16((level + (1 << 7)) >> 8);
}

void cs_beam_form(const cs_beam *beam, cs_beam_state *state, const int16_t *in, int16_t *out, uint32_t n)
{
    while (n > 0) {
        const uint32_t some = n < CS_CAPTURE_RUN ? n : CS_CAPTURE_RUN;
        __builtin_memcpy(state->frames + KEPT, in, 2 * some * sizeof *in);
        for (uint32_t i = 0; i < some; i++) {
            out[i] = next(beam, state, state->frames + 2 * i);
        }
        cs_keep(state->frames, KEPT, 2 * some);
        in += 2 * some;
        out += some;
        n -= some;
    }
}

void cs_to_both(int16_t *out, uint32_t n)
{
    while (n-- > 0) {
        const int16_t sample = out[n];
        out[2 * n] = sample;
        out[2 * n + 1] = sample;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Two filters, one for each microphone, added up; of a differential beamformer a sum over time that slowly forgets. */
#include "../nn/arithmetic.h"
#include "codesign/capture.h"
#include "dot_s16.h"

#define KEPT  (2 * (CS_BEAM_TAPS - 1))
#define LIMIT (1 << 30)

static int16_t next(const cs_beam *beam, cs_beam_state *state, int32_t sum)
{
    int32_t level = sum >> beam->shift;
    if (beam->leak != 0) {
        const int32_t lost = (int32_t)(((int64_t)state->level * beam->leak) >> 32); /* between 0 and the level */
        level = cs_clamp(state->level - lost + level, -LIMIT, LIMIT);
        state->level = level;
    }
    return (int16_t)cs_saturate_s16((level + (1 << 7)) >> 8);
}

void cs_beam_form(const cs_beam *beam, cs_beam_state *state, const int16_t *in, int16_t *out, uint32_t n)
{
    while (n > 0) {
        const uint32_t some = n < CS_CAPTURE_RUN ? n : CS_CAPTURE_RUN, fours = some & ~3u;
        const int16_t *frames = state->frames;
        __builtin_memcpy(state->frames + KEPT, in, 2 * some * sizeof *in);
        for (uint32_t i = 0; i < fours; i += 4, frames += 8) {
            int32_t sums[4];
            cs_four_dots_s16(beam->taps, frames, 2, 2 * CS_BEAM_TAPS, sums);
            for (uint32_t k = 0; k < 4; k++) {
                out[i + k] = next(beam, state, sums[k]);
            }
        }
        for (uint32_t i = fours; i < some; i++, frames += 2) {
            out[i] = next(beam, state, cs_dot_s16(beam->taps, frames, 2 * CS_BEAM_TAPS));
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

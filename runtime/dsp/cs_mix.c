/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/output.h"

static int16_t *line(cs_mix_state *state)
{
    return (int16_t *)(void *)(state + 1);
}

static uint16_t share_at(const cs_mix *mix, uint32_t percent)
{
    return (uint16_t)(CS_SHARE_ONE - (percent * (CS_SHARE_ONE - mix->least) + 50u) / 100u);
}

void cs_mix_reset(const cs_mix *mix, cs_mix_state *state)
{
    state->share = share_at(mix, mix->strength);
    state->target = state->share;
}

void cs_mix_strength(const cs_mix *mix, cs_mix_state *state, uint32_t percent)
{
    state->target = share_at(mix, percent > 100 ? 100 : percent);
}

void cs_mix_take(const cs_mix *mix, cs_mix_state *state, const int16_t *in, uint32_t n)
{
    __builtin_memcpy(line(state) + mix->delay, in, n * sizeof *in);
}

void cs_mix_add(const cs_mix *mix, cs_mix_state *state, int16_t *out, uint32_t n)
{
    int16_t *late = line(state);
    const int32_t target = state->target, step = mix->step;
    int32_t share = state->share;
    for (uint32_t i = 0; i < n; i++) {
        if (share != target) {
            const int32_t missing = target - share;
            share += missing > step ? step : missing < -step ? -step : missing;
        }
        out[i] = (int16_t)(out[i] + (((late[i] - out[i]) * share + (1 << 14)) >> 15));
    }
    state->share = (uint16_t)share;
    for (uint32_t i = 0; i < mix->delay; i++) {
        late[i] = late[i + n];
    }
}

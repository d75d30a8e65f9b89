/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/compression.h"
#include "cs_exp2.h"
#include "cs_log2.h"
#include "float_rules.h"

#define SILENCE 0x1p-40f /* the power of a full-scale sine is 1 */

_Static_assert(sizeof(cs_compressor_state) == 4, "what the memory plan counts with");

static float *levels_of(cs_compressor_state *state)
{
    return (float *)(void *)(state + 1);
}

static float size_of(const float *spectrum, const float *gains, uint32_t k)
{
    const float *x = spectrum + 2 * k;
    const float size = x[0] * x[0] + x[1] * x[1];
    return gains ? size * (gains[k] * gains[k]) : size;
}

void cs_band_powers(const cs_compressor *compressor, const float *restrict spectrum, const float *restrict gains,
                    cs_compressor_state *state)
{
    float *power = levels_of(state) + compressor->bands; /* where the gains will be */
    const float *line = compressor->lines;
    float low = 0.0f;
    uint32_t k = 1; /* not the mean */
    for (; k < compressor->first[0]; k++) {
        low += size_of(spectrum, gains, k);
    }
    for (uint32_t band = 0; band + 1 < compressor->bands; band++, line += 2) {
        float high = 0.0f;
        for (; k < compressor->first[band + 1]; k++) {
            const float size = size_of(spectrum, gains, k);
            const float upper = size * ((float)k * line[0] + line[1]);
            high += upper;
            low += size - upper;
        }
        power[band] = low;
        low = high;
    }
    for (; k < compressor->n_bins; k++) {
        low += size_of(spectrum, gains, k);
    }
    power[compressor->bands - 1u] = low;
}

/* By linear interpolation of one row of a table. */
static float gain_at(const cs_compressor *compressor, const float *row, float level)
{
    const float *grid = compressor->grid;
    uint32_t j = 0;
    while (j < compressor->levels - 2u && level >= grid[j + 1]) {
        j++;
    }
    const float slope = (row[j + 1] - row[j]) / (grid[j + 1] - grid[j]);
    return row[j] + (level - grid[j]) * slope;
}

static float followed(const cs_compressor *compressor, float level, float power)
{
    const float top = compressor->grid[compressor->levels - 1u];
    const float scaled = power * compressor->scale;
    const cs_log2_parts log2 = cs_log2(scaled < SILENCE ? SILENCE : scaled);
    float now = (log2.octave + log2.rest) + compressor->offset;
    now = now < 0.0f ? 0.0f : now;
    now = now > top ? top : now;
    return level + (now - level) * (now > level ? compressor->attack : compressor->release);
}

/* The share of the table that comes in, 0 where none does. */
static float share_of(const cs_compressor *compressor, uint32_t wanted, cs_compressor_state *state)
{
    if (state->from == state->to && state->to != wanted) {
        state->to = (uint8_t)wanted;
        state->faded = 0;
    }
    if (state->from == state->to) {
        return 0.0f;
    }
    state->faded++;
    if (state->faded >= compressor->fade) {
        state->from = state->to;
        return 0.0f;
    }
    return (float)state->faded / (float)compressor->fade;
}

void cs_compress(const cs_compressor *compressor, uint32_t wanted, cs_compressor_state *state)
{
    const uint32_t bands = compressor->bands, columns = compressor->levels;
    float *level = levels_of(state), *gain = level + bands;
    const float share = share_of(compressor, wanted, state);
    const float *from = compressor->gains + state->from * bands * columns, *to = compressor->gains + state->to * bands * columns;
    for (uint32_t band = 0; band < bands; band++, from += columns, to += columns) {
        const float now = followed(compressor, level[band], gain[band]);
        const float there = gain_at(compressor, from, now);
        level[band] = now;
        gain[band] = state->from == state->to ? there : there + (gain_at(compressor, to, now) - there) * share;
    }
}

void cs_spread_gains(const cs_compressor *compressor, const cs_compressor_state *state, float *restrict gains)
{
    const uint32_t bands = compressor->bands, n_bins = compressor->n_bins;
    const float *gain = (const float *)(const void *)(state + 1) + bands, *line = compressor->lines;
    uint32_t k = 0;
    for (; k < compressor->first[0]; k++) {
        gains[k] = gain[0];
    }
    for (uint32_t band = 0; band + 1 < bands; band++, line += 2) {
        const float step = gain[band + 1] - gain[band];
        for (; k < compressor->first[band + 1]; k++) {
            gains[k] = gain[band] + step * ((float)k * line[0] + line[1]);
        }
    }
    for (; k < n_bins; k++) {
        gains[k] = gain[bands - 1];
    }
    for (const float *end = gains + n_bins; gains != end; gains++) {
        const float rounded = *gains + CS_ROUND;
        *gains = cs_exp2_scaled(*gains - (rounded - CS_ROUND), rounded);
    }
}

void cs_multiply_gains(float *restrict gains, const float *restrict others, uint32_t n)
{
    for (const float *end = gains + n; gains != end; gains++) {
        *gains *= *others++;
    }
}

#include "float_rules_end.h"

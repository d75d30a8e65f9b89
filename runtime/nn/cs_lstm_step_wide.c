/* SPDX-License-Identifier: Apache-2.0 */
/* One step of an LSTM with int16 hidden state. */
#include "lstm_step.h"

/* update_states for int16. */
CS_OWN_REGISTERS void update_wide_states(const cs_lstm *layer, const int32_t *gates, void *hidden_int16, int16_t *cell,
                                         uint32_t units)
{
    int16_t *hidden = hidden_int16;
    const uint32_t *middle = cs_tanh_table + CS_TABLE_MIDDLE;
    const int32_t shift = 15 - layer->cell_fraction;
    const int32_t hidden_multiplier = layer->hidden_multiplier;
    const int32_t hidden_shift = layer->hidden_shift;
    const int32_t hidden_round = (int32_t)((uint32_t)1 << (hidden_shift - 1));

    for (const int32_t *end = gates + GATES * units; gates < end; gates += GATES, cell++, hidden++) {
        const int32_t added = cs_multiply_low(gates[INPUT_GATE], gates[CELL_GATE]) >> shift;
        const int32_t kept = cs_multiply_low(gates[FORGET_GATE], *cell);
        const int32_t c = cs_saturate_s16((kept + added + (1 << 14)) >> 15);
        const int32_t z = cs_saturate_s16((c * (1 << shift) + 4) >> 3);
        const int32_t y = cs_multiply_low(gates[OUTPUT_GATE], cs_interpolate_low(middle, z));
        const int32_t h = cs_multiply_high_add(2 * y, hidden_multiplier, hidden_round) >> hidden_shift;

        *cell = (int16_t)c;
        *hidden = (int16_t)cs_clamp(h, -32767, 32767);
    }
}

void cs_lstm_step_wide(const cs_lstm *layer, const void *x, int16_t *hidden, int16_t *cell, void *scratch)
{
    lstm_step(layer, x, hidden, sizeof *hidden, cell, scratch, update_wide_states);
}

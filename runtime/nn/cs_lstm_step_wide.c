/* SPDX-License-Identifier: Apache-2.0 */
/* One step of an LSTM with int16 hidden state, 16 units at a time: as cs_lstm_step. */
#include "codesign/nn.h"

#if defined(__ARM_FEATURE_MVE)
#include "lstm_cell_mve.h"
#else
#include "lstm_cell.h"
#endif

/* New cell and hidden state of `units` units from the low halves of their gates: update_states for int16. */
CS_OWN_REGISTERS void update_wide_states(const cs_lstm *layer, const int32_t *gates, int16_t *hidden, int16_t *cell,
                                         uint32_t units)
{
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
    const cs_matrix *input = &layer->input;
    const cs_matrix *recurrent = &layer->recurrent;
    const uint32_t units = recurrent->columns;
    uint8_t *memory = scratch;
    int16_t *prepared_input = (int16_t *)(void *)memory;
    int16_t *prepared_hidden = (int16_t *)(void *)(memory += cs_prepared_bytes(input->columns));
    int32_t *acc = (int32_t *)(void *)(memory += cs_prepared_bytes(units)); /* of a block: input sums, recurrent sums */
    const void *input_weights = input->weights;
    const void *recurrent_weights = recurrent->weights;

    input->kernel->prepare(x, input->columns, prepared_input);
    recurrent->kernel->prepare(hidden, units, prepared_hidden);
    for (uint32_t first = 0; first < units; first += CS_BLOCK_ROWS / GATES) {
        const uint32_t count = units - first < CS_BLOCK_ROWS / GATES ? units - first : CS_BLOCK_ROWS / GATES;

        input_weights = input->kernel->matvec(input_weights, prepared_input, GATES * count, input->columns, acc);
        recurrent_weights =
            recurrent->kernel->matvec(recurrent_weights, prepared_hidden, GATES * count, units, acc + CS_BLOCK_ROWS);
        activate_gates(layer, layer->bias + GATES * first, acc, count);
        update_wide_states(layer, acc, hidden + first, cell + first, count);
    }
}

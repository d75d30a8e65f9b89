/* Gates and state update of some units, for cores without vectors; lstm_cell_mve.h computes the same bits.
 * acc: for each unit its four gates, input sums; the recurrent sums stand CS_BLOCK_ROWS further. */
#ifndef CODESIGN_NN_LSTM_CELL_H
#define CODESIGN_NN_LSTM_CELL_H

#include "arithmetic.h"
#include "codesign/nn.h"
#include "lstm_gates.h"

/* Gate k of `units` units: pre-activation from both sums, then its function; the result, Q0.15, replaces the input sums,
 * and only its low 16 bits have a meaning. */
CS_OWN_REGISTERS void activate_gate(const cs_lstm *layer, uint32_t k, const int32_t *bias, int32_t *acc, uint32_t units)
{
    const uint32_t *middle = (k == CELL_GATE ? cs_tanh_table : cs_sigmoid_table) + CS_TABLE_MIDDLE;
    const int32_t input_multiplier = layer->input_multiplier[k];
    const int32_t recurrent_multiplier = layer->recurrent_multiplier[k];
    const int32_t shift = layer->gate_shift[k];
    const int32_t *end = acc + GATES * units;

    for (acc += k, bias += k; acc < end; acc += GATES, bias += GATES) {
        int32_t sum = cs_multiply_high_add(acc[0], input_multiplier, *bias);

        sum = cs_multiply_high_add(acc[CS_BLOCK_ROWS], recurrent_multiplier, sum);
        acc[0] = cs_interpolate_low(middle, cs_saturate_s16(sum >> shift));
    }
}

static inline void activate_gates(const cs_lstm *layer, const int32_t *bias, int32_t *acc, uint32_t units)
{
    for (uint32_t k = 0; k < GATES; k++) {
        activate_gate(layer, k, bias, acc, units);
    }
}

/* New cell and hidden state of `units` units from the low halves of their gates. */
CS_OWN_REGISTERS void update_states(const cs_lstm *layer, const int32_t *gates, int8_t *hidden, int16_t *cell,
                                 uint32_t units)
{
    const uint32_t *middle = cs_tanh_table + CS_TABLE_MIDDLE;
    const int32_t shift = 15 - layer->cell_fraction; /* i * g, Q0.30, to the fraction of f * c; and the cell to Q15 */
    const int32_t hidden_multiplier = layer->hidden_multiplier;
    const int32_t hidden_shift = layer->hidden_shift;
    const int32_t hidden_round = (int32_t)((uint32_t)1 << (hidden_shift - 1));
    const int32_t zero_point = layer->hidden_zero_point;
    const int32_t *end = gates + GATES * units;

    for (; gates < end; gates += GATES, cell++, hidden++) {
        const int32_t added = cs_multiply_low(gates[INPUT_GATE], gates[CELL_GATE]) >> shift;
        const int32_t kept = cs_multiply_low(gates[FORGET_GATE], *cell);
        const int32_t c = cs_saturate_s16((kept + added + (1 << 14)) >> 15);
        const int32_t z = cs_saturate_s16((c * (1 << shift) + 4) >> 3); /* Q15 to Q3.12, exact when no bits are lost */
        const int32_t y = cs_multiply_low(gates[OUTPUT_GATE], cs_interpolate_low(middle, z));
        const int32_t h = cs_multiply_high_add(2 * y, hidden_multiplier, hidden_round) >> hidden_shift;

        *cell = (int16_t)c;
        *hidden = (int8_t)cs_clamp(h + zero_point, -127, 127);
    }
}

#endif

/* One LSTM step, 16 units at a time: both matrices, the four gates, then cell and hidden state. */
#include "arithmetic.h"
#include "codesign/nn.h"
#include "matrix.h"

enum { GATES = 4, INPUT_GATE = 0, FORGET_GATE = 1, CELL_GATE = 2, OUTPUT_GATE = 3 };

/* Not inlined: loops with registers of their own are shorter than one function that spills. */
#define OWN_REGISTERS static __attribute__((noinline))

/* Gate k of `units` units: pre-activation from both sums, then its function; the result, Q0.15, replaces the input sums,
 * and only its low 16 bits have a meaning. */
OWN_REGISTERS void activate_gate(const cs_lstm *layer, uint32_t k, const int32_t *bias, int32_t *acc, uint32_t units)
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

/* New cell and hidden state of `units` units from the low halves of their gates. */
OWN_REGISTERS void update_states(const cs_lstm *layer, const int32_t *gates, int8_t *hidden, int16_t *cell,
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

void cs_lstm_step(const cs_lstm *layer, const int8_t *x, int8_t *hidden, int16_t *cell, void *scratch)
{
    const cs_matrix *input = &layer->input;
    const cs_matrix *recurrent = &layer->recurrent;
    const uint32_t units = recurrent->columns;
    uint8_t *memory = scratch;
    int16_t *prepared_input = (int16_t *)(void *)memory;
    int16_t *prepared_hidden = (int16_t *)(void *)(memory += cs_prepared_bytes(input->columns));
    int32_t *acc = (int32_t *)(void *)(memory += cs_prepared_bytes(units)); /* of a block: input sums, recurrent sums */

    input->kernel->prepare(x, input->columns, prepared_input);
    recurrent->kernel->prepare(hidden, units, prepared_hidden);
    for (uint32_t first = 0; first < units; first += CS_BLOCK_ROWS / GATES) {
        const uint32_t count = units - first < CS_BLOCK_ROWS / GATES ? units - first : CS_BLOCK_ROWS / GATES;

        cs_matrix_block(input, prepared_input, GATES * first, GATES * count, acc);
        cs_matrix_block(recurrent, prepared_hidden, GATES * first, GATES * count, acc + CS_BLOCK_ROWS);
        for (uint32_t k = 0; k < GATES; k++) {
            activate_gate(layer, k, layer->bias + GATES * first, acc, count);
        }
        update_states(layer, acc, hidden + first, cell + first, count);
    }
}

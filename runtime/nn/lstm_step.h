/* SPDX-License-Identifier: Apache-2.0 */
/* One LSTM step, 16 units at a time: both matrices, the four gates, then what `update` makes of them. */
#ifndef CODESIGN_NN_LSTM_STEP_H
#define CODESIGN_NN_LSTM_STEP_H

#include "codesign/nn.h"

#if defined(__ARM_FEATURE_MVE)
#include "lstm_cell_mve.h"
#else
#include "lstm_cell.h"
#endif

/* New cell and hidden state of `units` units from the low halves of their gates. */
typedef void cs_lstm_update(const cs_lstm *layer, const int32_t *gates, void *hidden, int16_t *cell, uint32_t units);

/* `hidden_bytes`: of one unit's hidden state. */
static inline __attribute__((always_inline)) void lstm_step(const cs_lstm *layer, const void *x, void *hidden,
                                                            uint32_t hidden_bytes, int16_t *cell, void *scratch,
                                                            cs_lstm_update *update)
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
        update(layer, acc, (uint8_t *)hidden + hidden_bytes * first, cell + first, count);
    }
}

#endif

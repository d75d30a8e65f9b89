/* SPDX-License-Identifier: Apache-2.0 */
/* One step of a GRU, CS_GRU_UNITS units at a time. */
#include "codesign/nn.h"
#include "gru_cell.h"

typedef struct place { /* where the weights of the next block start */
    const cs_matrix *matrix;
    const void *weights;
} place;

static void multiply(place *at, const int16_t *prepared, uint32_t rows, int32_t *acc)
{
    at->weights = at->matrix->kernel->matvec(at->weights, prepared, CS_ROUND_UP_4(rows), at->matrix->columns, acc);
}

static uint32_t block_of(uint32_t units, uint32_t first)
{
    return units - first < CS_GRU_UNITS ? units - first : CS_GRU_UNITS;
}

void cs_gru_step(const cs_gru *layer, const void *x, void *hidden, void *scratch)
{
    const uint32_t inputs = layer->input_gates.columns, units = layer->recurrent_gates.columns;
    uint8_t *memory = scratch;
    int16_t *prepared_input = (int16_t *)(void *)memory;
    int16_t *prepared_hidden = (int16_t *)(void *)(memory += cs_prepared_bytes(inputs));
    int32_t *gates = (int32_t *)(void *)(memory += cs_prepared_bytes(units)); /* input sums, recurrent sums */
    int32_t *candidates = gates + 4 * CS_GRU_UNITS;                           /* the same */
    int16_t *update = (int16_t *)(void *)(candidates + 2 * CS_GRU_UNITS);     /* without reset_after: of all units, and */
    void *product = update + CS_ROUND_UP_4(units);                            /* reset times hidden */
    place input_gates = {&layer->input_gates, layer->input_gates.weights};
    place recurrent_gates = {&layer->recurrent_gates, layer->recurrent_gates.weights};
    place input_candidate = {&layer->input_candidate, layer->input_candidate.weights};
    place recurrent_candidate = {&layer->recurrent_candidate, layer->recurrent_candidate.weights};

    layer->input_gates.kernel->prepare(x, inputs, prepared_input);
    layer->recurrent_gates.kernel->prepare(hidden, units, prepared_hidden);
    for (uint32_t first = 0; first < units; first += CS_GRU_UNITS) {
        const uint32_t count = block_of(units, first);
        const int32_t *bias = layer->gate_bias + 2 * first;

        multiply(&input_gates, prepared_input, 2 * count, gates);
        multiply(&recurrent_gates, prepared_hidden, 2 * count, gates + 2 * CS_GRU_UNITS);
        gru_gate(layer, UPDATE_GATE, bias, gates, count);
        gru_gate(layer, RESET_GATE, bias + 1, gates + 1, count);
        if (!layer->reset_after) {
            gru_reset(layer, gates, hidden, update, product, first, count);
            continue;
        }
        multiply(&input_candidate, prepared_input, count, candidates);
        multiply(&recurrent_candidate, prepared_hidden, count, candidates + CS_GRU_UNITS);
        gru_candidate(layer, layer->candidate_bias + first, layer->recurrent_bias + first, gates + RESET_GATE, candidates,
                      count);
        gru_update(layer, gates, candidates, hidden, first, count);
    }
    if (layer->reset_after) {
        return;
    }
    layer->recurrent_candidate.kernel->prepare(product, units, prepared_hidden);
    for (uint32_t first = 0; first < units; first += CS_GRU_UNITS) {
        const uint32_t count = block_of(units, first);

        multiply(&input_candidate, prepared_input, count, candidates);
        multiply(&recurrent_candidate, prepared_hidden, count, candidates + CS_GRU_UNITS);
        gru_candidate(layer, layer->candidate_bias + first, 0, 0, candidates, count);
        for (uint32_t u = 0; u < count; u++) {
            gates[2 * u] = update[first + u];
        }
        gru_update(layer, gates, candidates, hidden, first, count);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One step of a simple RNN, CS_BLOCK_ROWS units at a time. */
#include "arithmetic.h"
#include "codesign/nn.h"

/* New state of one unit from the pre-activation's sum, which has no zero point yet. */
static inline int32_t rnn_state(const cs_rnn *layer, int32_t sum)
{
    if (layer->relu) { /* where the sum could be too large to rescale, 2^27 saturates the state all the same */
        const int32_t limit = layer->hidden_shift < -1 ? INT32_MAX : 1 << 27;

        return cs_multiply_by_quantized_multiplier_31(cs_clamp(sum, 0, limit), layer->hidden_multiplier, layer->hidden_shift);
    }
    const int32_t p = cs_saturate_s16(sum >> layer->shift);
    const int32_t y = (int16_t)cs_interpolate_low(cs_tanh_table + CS_TABLE_MIDDLE, p);

    return cs_multiply_high_add(y * (1 << 16), layer->hidden_multiplier, (int32_t)1 << (layer->hidden_shift - 1)) >>
           layer->hidden_shift;
}

void cs_rnn_step(const cs_rnn *layer, const void *x, void *hidden, void *scratch)
{
    const cs_matrix *input = &layer->input, *recurrent = &layer->recurrent;
    const uint32_t units = recurrent->columns;
    uint8_t *memory = scratch;
    int16_t *prepared_input = (int16_t *)(void *)memory;
    int16_t *prepared_hidden = (int16_t *)(void *)(memory += cs_prepared_bytes(input->columns));
    int32_t *acc = (int32_t *)(void *)(memory += cs_prepared_bytes(units)); /* of a block: input sums, recurrent sums */
    const void *input_weights = input->weights, *recurrent_weights = recurrent->weights;

    input->kernel->prepare(x, input->columns, prepared_input);
    recurrent->kernel->prepare(hidden, units, prepared_hidden);
    for (uint32_t first = 0; first < units; first += CS_BLOCK_ROWS) {
        const uint32_t count = units - first < CS_BLOCK_ROWS ? units - first : CS_BLOCK_ROWS;
        const uint32_t rows = CS_ROUND_UP_4(count);

        input_weights = input->kernel->matvec(input_weights, prepared_input, rows, input->columns, acc);
        recurrent_weights = recurrent->kernel->matvec(recurrent_weights, prepared_hidden, rows, units, acc + CS_BLOCK_ROWS);
        for (uint32_t u = 0; u < count; u++) {
            int32_t sum = cs_multiply_high_add(acc[u], layer->input_multiplier, layer->bias[first + u]);

            sum = cs_multiply_high_add(acc[CS_BLOCK_ROWS + u], layer->recurrent_multiplier, sum);
            const int32_t state = rnn_state(layer, sum) + layer->hidden_zero_point;

            if (layer->wide) {
                ((int16_t *)hidden)[first + u] = (int16_t)cs_clamp(state, -32767, 32767);
            } else {
                ((int8_t *)hidden)[first + u] = (int8_t)cs_clamp(state, -127, 127);
            }
        }
    }
}

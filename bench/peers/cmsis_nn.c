/* SPDX-License-Identifier: Apache-2.0 */
/* CMSIS-NN's layers, called as its documentation says; the library comes from the user's own checkout. */
#include "arm_nnfunctions.h"
#include "peer.h"

static cmsis_nn_lstm_gate gate(const peer_lstm *layer, int32_t k, arm_nn_activation_type activation)
{
    const cmsis_nn_lstm_gate made = {
        .input_multiplier = 1 << 30,
        .input_shift = -8,
        .input_weights = layer->input_weights + k * layer->units * layer->inputs,
        .input_effective_bias = layer->bias + k * layer->units,
        .hidden_multiplier = 1 << 30,
        .hidden_shift = -8,
        .hidden_weights = layer->recurrent_weights + k * layer->units * layer->units,
        .hidden_effective_bias = layer->bias + k * layer->units,
        .activation_type = activation,
    };
    return made;
}

int32_t peer_lstm_step(const peer_lstm *layer, const int8_t *x, int8_t *hidden, int16_t *cell, void *scratch)
{
    const cmsis_nn_lstm_params params = {
        .time_major = 1,
        .batch_size = 1,
        .time_steps = 1,
        .input_size = layer->inputs,
        .hidden_size = layer->units,
        .forget_to_cell_multiplier = 1 << 30,
        .forget_to_cell_shift = -14,
        .input_to_cell_multiplier = 1 << 30,
        .input_to_cell_shift = -18,
        .cell_clip = 32767,
        .cell_scale_power = -11,
        .output_multiplier = 1 << 30,
        .output_shift = -22,
        .forget_gate = gate(layer, 1, ARM_SIGMOID),
        .input_gate = gate(layer, 0, ARM_SIGMOID),
        .cell_gate = gate(layer, 2, ARM_TANH),
        .output_gate = gate(layer, 3, ARM_SIGMOID),
    };
    cmsis_nn_lstm_context buffers = {scratch, (int16_t *)scratch + layer->units, cell, hidden};

    return arm_lstm_unidirectional_s8(x, hidden, &params, &buffers);
}

#define FULLY_CONNECTED(name, of)                                                                                      \
    int32_t name(const peer_fully_connected *layer, const int8_t *x, int8_t *y, void *scratch)                         \
    {                                                                                                                  \
        const cmsis_nn_context context = {scratch, 4 * layer->rows};                                                   \
        const cmsis_nn_fc_params params = {0, 0, 0, {-128, 127}};                                                      \
        const cmsis_nn_per_tensor_quant_params quantization = {1 << 30, -8};                                           \
        const cmsis_nn_dims in = {1, 1, 1, layer->columns}, filter = {layer->columns, 1, 1, layer->rows};              \
        const cmsis_nn_dims rows = {1, 1, 1, layer->rows};                                                             \
                                                                                                                       \
        return of(&context, &params, &quantization, &in, x, &filter, layer->weights, &rows, layer->bias, &rows, y);    \
    }

FULLY_CONNECTED(peer_fully_connected_step, arm_fully_connected_s8)
#if defined(FOUR_BIT) /* two weights a byte */
FULLY_CONNECTED(peer_fully_connected_step_s4, arm_fully_connected_s4)
#endif

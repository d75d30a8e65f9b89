/* SPDX-License-Identifier: Apache-2.0 */
/* CMSIS-NN's layers of int16 values, called as its documentation says; the library comes from the user's own checkout. */
#include "arm_nnfunctions.h"

typedef struct wide_lstm {
    int32_t inputs, units;
    const int8_t *input_weights, *recurrent_weights;
    const int64_t *bias;
} wide_lstm;

typedef struct wide_fully_connected {
    int32_t rows, columns;
    const int8_t *weights;
    const int64_t *bias;
} wide_fully_connected;

static cmsis_nn_lstm_gate gate(const wide_lstm *layer, int32_t k, arm_nn_activation_type activation)
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

int32_t peer_lstm_step_s16(const wide_lstm *layer, const int16_t *x, int16_t *hidden, int16_t *cell, void *scratch);
int32_t peer_fully_connected_step_s16(const wide_fully_connected *layer, const int16_t *x, int16_t *y, void *scratch);

int32_t peer_lstm_step_s16(const wide_lstm *layer, const int16_t *x, int16_t *hidden, int16_t *cell, void *scratch)
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
        .output_shift = -14,
        .forget_gate = gate(layer, 1, ARM_SIGMOID),
        .input_gate = gate(layer, 0, ARM_SIGMOID),
        .cell_gate = gate(layer, 2, ARM_TANH),
        .output_gate = gate(layer, 3, ARM_SIGMOID),
    };
    cmsis_nn_lstm_context buffers = {scratch, (int16_t *)scratch + layer->units, cell, hidden};

    return arm_lstm_unidirectional_s16(x, hidden, &params, &buffers);
}

int32_t peer_fully_connected_step_s16(const wide_fully_connected *layer, const int16_t *x, int16_t *y, void *scratch)
{
    const cmsis_nn_context context = {scratch, 4 * layer->rows};
    const cmsis_nn_fc_params params = {0, 0, 0, {-32768, 32767}};
    const cmsis_nn_per_tensor_quant_params quantization = {1 << 30, -8};
    const cmsis_nn_dims in = {1, 1, 1, layer->columns}, filter = {layer->columns, 1, 1, layer->rows};
    const cmsis_nn_dims rows = {1, 1, 1, layer->rows};

    return arm_fully_connected_s16(&context, &params, &quantization, &in, x, &filter, layer->weights, &rows, layer->bias,
                                   &rows, y);
}

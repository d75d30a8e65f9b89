/* SPDX-License-Identifier: Apache-2.0 */
/* CMSIS-NN's layers of int16 values, called as its documentation says; the library comes from the user's own checkout. */
#include "cmsis_lstm.h"

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

int32_t peer_lstm_step_s16(const wide_lstm *layer, const int16_t *x, int16_t *hidden, int16_t *cell, void *scratch);
int32_t peer_fully_connected_step_s16(const wide_fully_connected *layer, const int16_t *x, int16_t *y, void *scratch);

int32_t peer_lstm_step_s16(const wide_lstm *layer, const int16_t *x, int16_t *hidden, int16_t *cell, void *scratch)
{
    const cmsis_nn_lstm_params params = LSTM_PARAMS(layer, -14);
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

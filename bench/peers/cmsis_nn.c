/* SPDX-License-Identifier: Apache-2.0 */
/* CMSIS-NN's layers, called as its documentation says; the library comes from the user's own checkout. */
#include "cmsis_lstm.h"
#include "peer.h"

int32_t peer_lstm_step(const peer_lstm *layer, const int8_t *x, int8_t *hidden, int16_t *cell, void *scratch)
{
    const cmsis_nn_lstm_params params = LSTM_PARAMS(layer, -22);
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

/* SPDX-License-Identifier: Apache-2.0 */
/* One interface to other people's layers: what bench/ needs of an LSTM step and of a fully connected layer. */
#ifndef CODESIGN_BENCH_PEER_H
#define CODESIGN_BENCH_PEER_H

#include <stdint.h>

/* Weights gate by gate (input, forget, cell, output), row-major; biases the same. */
typedef struct peer_lstm {
    int32_t inputs, units;
    const int8_t *input_weights;     /* 4 x units x inputs */
    const int8_t *recurrent_weights; /* 4 x units x units */
    const int32_t *bias;             /* 4 x units */
} peer_lstm;

typedef struct peer_fully_connected {
    int32_t rows, columns;
    const int8_t *weights;
    const int32_t *bias;
} peer_fully_connected;

/* One step in place; scratch: 4 * units bytes. */
int32_t peer_lstm_step(const peer_lstm *layer, const int8_t *x, int8_t *hidden, int16_t *cell, void *scratch);
/* scratch: 4 * rows bytes. */
int32_t peer_fully_connected_step(const peer_fully_connected *layer, const int8_t *x, int8_t *y, void *scratch);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of CMSIS-NN's LSTM, the same for values of 8 and of 16 bits: `layer` is a peer_lstm, or like one. */
#ifndef CODESIGN_BENCH_CMSIS_LSTM_H
#define CODESIGN_BENCH_CMSIS_LSTM_H

#include "arm_nnfunctions.h"

#define LSTM_GATE(layer, k, activation)                                                                                \
    {                                                                                                                  \
        .input_multiplier = 1 << 30,                                                                                   \
        .input_shift = -8,                                                                                             \
        .input_weights = (layer)->input_weights + (k) * (layer)->units * (layer)->inputs,                              \
        .input_effective_bias = (layer)->bias + (k) * (layer)->units,                                                  \
        .hidden_multiplier = 1 << 30,                                                                                  \
        .hidden_shift = -8,                                                                                            \
        .hidden_weights = (layer)->recurrent_weights + (k) * (layer)->units * (layer)->units,                          \
        .hidden_effective_bias = (layer)->bias + (k) * (layer)->units,                                                 \
        .activation_type = (activation),                                                                               \
    }

#define LSTM_PARAMS(layer, output)                                                                                     \
    {                                                                                                                  \
        .time_major = 1,                                                                                               \
        .batch_size = 1,                                                                                               \
        .time_steps = 1,                                                                                               \
        .input_size = (layer)->inputs,                                                                                 \
        .hidden_size = (layer)->units,                                                                                 \
        .forget_to_cell_multiplier = 1 << 30,                                                                          \
        .forget_to_cell_shift = -14,                                                                                   \
        .input_to_cell_multiplier = 1 << 30,                                                                           \
        .input_to_cell_shift = -18,                                                                                    \
        .cell_clip = 32767,                                                                                            \
        .cell_scale_power = -11,                                                                                       \
        .output_multiplier = 1 << 30,                                                                                  \
        .output_shift = (output),                                                                                      \
        .forget_gate = LSTM_GATE(layer, 1, ARM_SIGMOID),                                                               \
        .input_gate = LSTM_GATE(layer, 0, ARM_SIGMOID),                                                                \
        .cell_gate = LSTM_GATE(layer, 2, ARM_TANH),                                                                    \
        .output_gate = LSTM_GATE(layer, 3, ARM_SIGMOID),                                                               \
    }

#endif

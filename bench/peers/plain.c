/* SPDX-License-Identifier: Apache-2.0 */
/* Layers as generators of portable C write them: one loop per row, one pass per operation, 64-bit requantization. */
#include "peer.h"

static int32_t requantize(int32_t value, int32_t multiplier, int32_t shift)
{
    const int64_t product = (int64_t)value * multiplier;

    return (int32_t)((product + ((int64_t)1 << (30 - shift))) >> (31 - shift));
}

static int32_t clamp(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* y[r] = bias[r] + sum_c w[r][c] * x[c], requantized to int16 and added to what is there when `add`. */
static void matvec(const int8_t *w, const int8_t *x, const int32_t *bias, int32_t rows, int32_t columns, int32_t add,
                   int16_t *y)
{
    for (int32_t r = 0; r < rows; r++) {
        int32_t sum = bias[r];

        for (int32_t c = 0; c < columns; c++) {
            sum += w[r * columns + c] * x[c];
        }
        y[r] = (int16_t)clamp(requantize(sum, 1 << 30, -8) + (add ? y[r] : 0), -32768, 32767);
    }
}

/* A rational tanh (|x| <= 3) in Q3.12 to Q0.15: what stands in for a table does not matter to the count of the rest. */
static void squash(int16_t *y, int32_t n, int32_t sigmoid)
{
    for (int32_t i = 0; i < n; i++) {
        const int32_t x = clamp(sigmoid ? y[i] / 2 : y[i], -12288, 12288);
        const int32_t square = (x * x) >> 12;
        const int32_t value = x * (27 * 4096 + square) / ((27 * 4096 + 9 * square) >> 3);

        y[i] = (int16_t)clamp(sigmoid ? (value >> 1) + 16384 : value, -32768, 32767);
    }
}

int32_t peer_lstm_step(const peer_lstm *layer, const int8_t *x, int8_t *hidden, int16_t *cell, void *scratch)
{
    const int32_t inputs = layer->inputs, units = layer->units;
    static const int8_t order[4] = {1, 0, 2, 3};
    int16_t *first = scratch, *second = first + units;

    for (int32_t step = 0; step < 4; step++) {
        const int32_t k = order[step];
        int16_t *gate = step == 2 ? second : first;

        matvec(layer->input_weights + k * units * inputs, x, layer->bias + k * units, units, inputs, 0, gate);
        matvec(layer->recurrent_weights + k * units * units, hidden, layer->bias + k * units, units, units, 1, gate);
        squash(gate, units, k != 2);
        for (int32_t i = 0; step == 0 && i < units; i++) {
            cell[i] = (int16_t)((cell[i] * gate[i]) >> 15);
        }
        for (int32_t i = 0; step == 2 && i < units; i++) {
            cell[i] = (int16_t)clamp(cell[i] + ((first[i] * second[i]) >> 19), -32768, 32767);
        }
    }
    for (int32_t i = 0; i < units; i++) {
        second[i] = cell[i];
    }
    squash(second, units, 0);
    for (int32_t i = 0; i < units; i++) {
        hidden[i] = (int8_t)clamp(requantize(first[i] * second[i], 1 << 30, -22), -128, 127);
    }
    return 0;
}

int32_t peer_fully_connected_step(const peer_fully_connected *layer, const int8_t *x, int8_t *y, void *scratch)
{
    int16_t *wide = scratch;

    matvec(layer->weights, x, layer->bias, layer->rows, layer->columns, 0, wide);
    for (int32_t r = 0; r < layer->rows; r++) {
        y[r] = (int8_t)clamp(wide[r], -128, 127);
    }
    return 0;
}

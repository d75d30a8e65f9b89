/* SPDX-License-Identifier: Apache-2.0 */
/* Integer layers of one network step. docs/numerics.md defines the arithmetic; all structs are constant, generated data.
 *
 * Every pointer to memory is the caller's. Nothing here allocates or keeps state. */
#ifndef CODESIGN_NN_H
#define CODESIGN_NN_H

#include <stdint.h>

#include "codesign/nn_elements.h"
#include "codesign/conv.h"
#include "codesign/layout.h"
#include "codesign/positions.h"
#include "codesign/rows.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How a matrix is stored and multiplied. The packing done offline (layers/packing.py) and the functions belong together.
 *   prepare: widen x[0..n), int8, once per vector into `prepared`, cs_prepared_bytes(n) bytes, 4-byte aligned, in its own
 *            order.
 *   matvec:  acc[r] = 256 * sum_c w[r][c] * x[c] for all rows; rows is a multiple of 4 (padded offline with zero rows).
 *            The factor is a by-product of the packing; |sum| < 2^23 is checked when a network is lowered. Returns where the
 *            weights of the rows after these start. */
typedef struct cs_kernel {
    void (*prepare)(const void *x, uint32_t n, int16_t *prepared);
    const void *(*matvec)(const void *weights, const int16_t *prepared, uint32_t rows, uint32_t columns, int32_t *acc);
} cs_kernel;

extern const cs_kernel cs_kernel_plain; /* C, any core: row-major int8 */
extern const cs_kernel cs_kernel_dsp;   /* Arm DSP extension: two rows per 16-bit lane, four rows interleaved */
extern const cs_kernel cs_kernel_dual;  /* the same packing, for cores that issue two instructions a cycle */
extern const cs_kernel cs_kernel_mve;   /* M-profile vector extension: sixteen columns of four rows interleaved */

/* The same for int16 x: acc[r] is the sum itself, modulo 2^32. Lowering checks |sum| < 2^31. */
extern const cs_kernel cs_kernel_wide_plain;
extern const cs_kernel cs_kernel_wide_dsp;
extern const cs_kernel cs_kernel_wide_dual;
extern const cs_kernel cs_kernel_wide_mve;

/* `weights` is 4-byte aligned: CS_ROUND_UP_4(rows) * CS_ROUND_UP_4(columns) bytes, and 2 more a row for dsp and dual; for
 * wide_mve columns are rounded up to 8, and no other kernel for int16 needs more. */
typedef struct cs_matrix {
    const cs_kernel *kernel;
    const void *weights;
    uint16_t rows;    /* real rows */
    uint16_t columns; /* real columns */
} cs_matrix;

typedef struct cs_fully_connected {
    cs_matrix matrix;
    const int32_t *bias;       /* input zero point folded in */
    const int32_t *multiplier; /* per row */
    const int8_t *shift;       /* per row, positive = left */
    int32_t zero_point;
    int32_t low, high;
} cs_fully_connected;

typedef struct cs_lstm {
    cs_matrix input;     /* rows 4 * units, row 4u + k = gate k of unit u; gates: input, forget, cell, output */
    cs_matrix recurrent;
    const int32_t *bias; /* 4 * units, zero points and rounding folded in */
    int32_t input_multiplier[4];
    int32_t recurrent_multiplier[4];
    uint8_t gate_shift[4];
    uint8_t cell_fraction;
    uint8_t hidden_shift;
    int8_t hidden_zero_point;
    int32_t hidden_multiplier;
} cs_lstm;

/* A GRU. Row 2u of the gates is the update gate of unit u, row 2u + 1 its reset gate; row u of the candidates is unit u. The
 * input matrices take int8 or int16, by their kernels, and so do the recurrent ones, whose vector is the hidden state. */
typedef struct cs_gru {
    cs_matrix input_gates, recurrent_gates;
    cs_matrix input_candidate, recurrent_candidate;
    const int32_t *gate_bias;      /* 2 * units, zero points and rounding folded in; so in the next */
    const int32_t *candidate_bias; /* units */
    const int32_t *recurrent_bias; /* units: what reset multiplies beside the recurrent sums; only with reset_after */
    int32_t input_multiplier[3];   /* update, reset, candidate */
    int32_t recurrent_multiplier[3];
    uint8_t gate_shift[3];
    uint8_t hidden_shift;
    int32_t hidden_multiplier;
    int8_t hidden_zero_point;
    uint8_t reset_after; /* 1: reset multiplies the recurrent sums, ONNX linear_before_reset; 0: the hidden state before them */
    uint8_t wide;        /* the hidden state is int16 */
} cs_gru;

/* A simple RNN: tanh, or relu, of input and recurrent sums. */
typedef struct cs_rnn {
    cs_matrix input, recurrent; /* rows: units */
    const int32_t *bias;        /* units, zero points and rounding folded in */
    int32_t input_multiplier, recurrent_multiplier, hidden_multiplier;
    int8_t hidden_shift; /* with relu as in cs_fully_connected */
    int8_t hidden_zero_point;
    uint8_t shift, relu, wide;
} cs_rnn;

/* Sigmoid and tanh, int16 Q3.12 to Q0.15: 512 intervals, each word = (slope << 16) | (uint16_t)base, its chord's value at 0. */
extern const uint32_t cs_sigmoid_table[512];
extern const uint32_t cs_tanh_table[512];

/* Scratch sizes in bytes; python/codesign/compiler/layers/scratch.py uses the same formulas. Scratch is 4-byte aligned.
 *   fully connected   cs_prepared_bytes(columns) + 4 * min(rows rounded up to 4, CS_BLOCK_ROWS)
 *   lstm              cs_prepared_bytes(inputs) + cs_prepared_bytes(units) + 2 * 4 * CS_BLOCK_ROWS
 *   rnn               as an lstm
 *   gru               cs_prepared_bytes(inputs) + cs_prepared_bytes(units) + 6 * 4 * CS_GRU_UNITS,
 *                     and 4 * CS_ROUND_UP_4(units) without reset_after
 * Layers work on CS_BLOCK_ROWS rows at a time: accumulators of a whole layer would need far more. */
#define CS_BLOCK_ROWS 64u
#define CS_GRU_UNITS 16u /* units that a GRU works on at a time */
#define CS_ROUND_UP_4(n) (((n) + 3u) & ~3u)
#define cs_prepared_bytes(columns) (2u * CS_ROUND_UP_4(columns) + 8u) /* int16, and what a kernel keeps of all of them */

/* y: int8, rows elements. */
void cs_fully_connected_s8(const cs_fully_connected *layer, const int8_t *x, int8_t *y, void *scratch);
/* y: int16, rows elements (Q3.12 pre-activations). */
void cs_fully_connected_s16(const cs_fully_connected *layer, const int8_t *x, int16_t *y, void *scratch);
/* The same with int16 x and a matrix for it; y: int8 or int16. */
void cs_fully_connected_wide_s8(const cs_fully_connected *layer, const int16_t *x, int8_t *y, void *scratch);
void cs_fully_connected_wide_s16(const cs_fully_connected *layer, const int16_t *x, int16_t *y, void *scratch);
/* One step; hidden (int8) and cell (int16) are read and overwritten. */
void cs_lstm_step(const cs_lstm *layer, const int8_t *x, int8_t *hidden, int16_t *cell, void *scratch);
/* The same with int16 hidden state, and x of the type that the input matrix takes. */
void cs_lstm_step_wide(const cs_lstm *layer, const void *x, int16_t *hidden, int16_t *cell, void *scratch);
/* One step; hidden is read and overwritten. */
void cs_rnn_step(const cs_rnn *layer, const void *x, void *hidden, void *scratch);
void cs_gru_step(const cs_gru *layer, const void *x, void *hidden, void *scratch);
/* y[i] = table(x[i]); y may be x. */
void cs_lookup_s16(const uint32_t *table, const int16_t *x, int16_t *y, uint32_t n);
/* y[i] = table[x[i] + 128]; y may be x. */
void cs_lookup_s8(const int8_t *table, const int8_t *x, int8_t *y, uint32_t n);
/* int16 to int8. */
void cs_requantize_s16_s8(int32_t multiplier, int32_t shift, int32_t zero_point, const int16_t *x, int8_t *y, uint32_t n);

/* Skip RNN gate. Returns 1 when this step updates. state, delta: one int16 Q0.15 each. */
int cs_skip_gate_open(const int16_t *state);
/* After the step: from pre-activation `logit` (Q3.12) of an updating step; logit is ignored on a skipped one. */
void cs_skip_gate_advance(int updated, int16_t logit, int16_t *state, int16_t *delta);

#ifdef __cplusplus
}
#endif

#endif

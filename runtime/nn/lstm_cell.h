/* SPDX-License-Identifier: Apache-2.0 */
/* Gates and state update of some units, for cores without vectors; lstm_cell_mve.h computes the same bits.
 * acc: for each unit its four gates, input sums; the recurrent sums stand CS_BLOCK_ROWS further. */
#ifndef CODESIGN_NN_LSTM_CELL_H
#define CODESIGN_NN_LSTM_CELL_H

#include "arithmetic.h"
#include "codesign/nn.h"
#include "lstm_gates.h"

/* What gate k needs of each unit: its function's table, its multipliers and its shift. */
typedef struct cs_gate {
    const uint32_t *middle;
    int32_t input_multiplier, recurrent_multiplier, shift;
} cs_gate;

/* Pre-activation from both sums, then the gate's function; the result, Q0.15, replaces the input sum, and only its low
 * 16 bits have a meaning. */
static inline void activate(const cs_gate *gate, int32_t *acc, const int32_t *bias)
{
    int32_t sum = cs_multiply_high_add(acc[0], gate->input_multiplier, bias[0]);

    sum = cs_multiply_high_add(acc[CS_BLOCK_ROWS], gate->recurrent_multiplier, sum);
    acc[0] = cs_interpolate_low(gate->middle, cs_saturate_s16(sum >> gate->shift));
}

/* The same for two units. Where a result takes two cycles, the other unit's instruction stands in between: compilers put
 * one unit after the other. */
static inline void activate_two(const cs_gate *gate, int32_t *acc, const int32_t *bias)
{
#if defined(__ARM_FEATURE_DSP)
    int32_t one, other, p, q;
    __asm__ volatile("ldr    %[one], [%[bias]]\n\t"
                     "ldr    %[other], [%[bias], %[next]]\n\t"
                     "ldr    %[p], [%[acc]]\n\t"
                     "ldr    %[q], [%[acc], %[next]]\n\t"
                     "smmla  %[one], %[p], %[input], %[one]\n\t"
                     "ldr    %[p], [%[acc], %[recurrent]]\n\t"
                     "smmla  %[other], %[q], %[input], %[other]\n\t"
                     "ldr    %[q], [%[acc], %[recurrent_next]]\n\t"
                     "smmla  %[one], %[p], %[by], %[one]\n\t"
                     "smmla  %[other], %[q], %[by], %[other]\n\t"
                     "asr    %[one], %[one], %[shift]\n\t"
                     "asr    %[other], %[other], %[shift]\n\t"
                     "ssat   %[one], #16, %[one]\n\t"
                     "ssat   %[other], #16, %[other]\n\t"
                     "asr    %[p], %[one], #7\n\t"
                     "asr    %[q], %[other], #7\n\t"
                     "ldr    %[p], [%[table], %[p], lsl #2]\n\t"
                     "ldr    %[q], [%[table], %[q], lsl #2]\n\t"
                     "smlatb %[one], %[p], %[one], %[half]\n\t"
                     "smlatb %[other], %[q], %[other], %[half]\n\t"
                     "add    %[one], %[p], %[one], asr #7\n\t"
                     "add    %[other], %[q], %[other], asr #7\n\t"
                     "str    %[one], [%[acc]]\n\t"
                     "str    %[other], [%[acc], %[next]]"
                     : [one] "=&r"(one), [other] "=&r"(other), [p] "=&r"(p), [q] "=&r"(q)
                     : [acc] "r"(acc), [bias] "r"(bias), [table] "r"(gate->middle), [input] "r"(gate->input_multiplier),
                       [by] "r"(gate->recurrent_multiplier), [shift] "r"(gate->shift), [half] "r"(64),
                       [next] "i"(4 * GATES), [recurrent] "i"(4 * CS_BLOCK_ROWS),
                       [recurrent_next] "i"(4 * (GATES + CS_BLOCK_ROWS))
                     : "memory");
#else
    activate(gate, acc, bias);
    activate(gate, acc + GATES, bias + GATES);
#endif
}

/* Gate k of `units` units. */
CS_OWN_REGISTERS void activate_gate(const cs_lstm *layer, uint32_t k, const int32_t *bias, int32_t *acc, uint32_t units)
{
    const cs_gate gate = {(k == CELL_GATE ? cs_tanh_table : cs_sigmoid_table) + CS_TABLE_MIDDLE,
                          layer->input_multiplier[k], layer->recurrent_multiplier[k], layer->gate_shift[k]};
    const int32_t *end = acc + GATES * units;

    acc += k;
    bias += k;
    if (units % 2 != 0) {
        activate(&gate, acc, bias);
        acc += GATES;
        bias += GATES;
    }
    for (; acc < end; acc += 2 * GATES, bias += 2 * GATES) {
        activate_two(&gate, acc, bias);
    }
}

static inline void activate_gates(const cs_lstm *layer, const int32_t *bias, int32_t *acc, uint32_t units)
{
    for (uint32_t k = 0; k < GATES; k++) {
        activate_gate(layer, k, bias, acc, units);
    }
}

/* New cell and hidden state of `units` units from the low halves of their gates. */
CS_OWN_REGISTERS void update_states(const cs_lstm *layer, const int32_t *gates, void *hidden_int8, int16_t *cell,
                                 uint32_t units)
{
    int8_t *hidden = hidden_int8;
    const uint32_t *middle = cs_tanh_table + CS_TABLE_MIDDLE;
    const int32_t shift = 15 - layer->cell_fraction; /* i * g, Q0.30, to the fraction of f * c; and the cell to Q15 */
    const int32_t hidden_multiplier = layer->hidden_multiplier;
    const int32_t hidden_shift = layer->hidden_shift;
    const int32_t hidden_round = (int32_t)((uint32_t)1 << (hidden_shift - 1));
    const int32_t zero_point = layer->hidden_zero_point;
    const int32_t *end = gates + GATES * units;

    for (; gates < end; gates += GATES, cell++, hidden++) {
        const int32_t added = cs_multiply_low(gates[INPUT_GATE], gates[CELL_GATE]) >> shift;
        const int32_t kept = cs_multiply_low(gates[FORGET_GATE], *cell);
        const int32_t c = cs_saturate_s16((kept + added + (1 << 14)) >> 15);
        const int32_t z = cs_saturate_s16((c * (1 << shift) + 4) >> 3); /* Q15 to Q3.12, exact when no bits are lost */
        const int32_t y = cs_multiply_low(gates[OUTPUT_GATE], cs_interpolate_low(middle, z));
        const int32_t h = cs_multiply_high_add(2 * y, hidden_multiplier, hidden_round) >> hidden_shift;

        *cell = (int16_t)c;
        *hidden = (int8_t)cs_clamp_s8(h + zero_point);
    }
}

#endif

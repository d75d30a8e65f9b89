/* SPDX-License-Identifier: Apache-2.0 */
/* Gates, candidate and state update of some units of a GRU. */
#ifndef CODESIGN_NN_GRU_CELL_H
#define CODESIGN_NN_GRU_CELL_H

#include "arithmetic.h"
#include "codesign/nn.h"

enum { UPDATE_GATE = 0, RESET_GATE = 1, CANDIDATE = 2 };

/* Not inlined: loops with registers of their own are shorter than one function that spills. */
#define CS_OWN_REGISTERS static __attribute__((noinline))

/* Gate `k` of `units` units from input sums in acc[0], acc[2] ... and recurrent sums 2 * CS_GRU_UNITS further; the result, Q0.15,
 * replaces the input sum. */
CS_OWN_REGISTERS void gru_gate(const cs_gru *layer, uint32_t k, const int32_t *bias, int32_t *acc, uint32_t units)
{
    const uint32_t *middle = cs_sigmoid_table + CS_TABLE_MIDDLE;
    const int32_t by_input = layer->input_multiplier[k], by_recurrent = layer->recurrent_multiplier[k];
    const int32_t shift = layer->gate_shift[k];

    for (const int32_t *end = acc + 2 * units; acc < end; acc += 2, bias += 2) {
        int32_t sum = cs_multiply_high_add(acc[0], by_input, bias[0]);

        sum = cs_multiply_high_add(acc[2 * CS_GRU_UNITS], by_recurrent, sum);
        acc[0] = (int16_t)cs_interpolate_low(middle, cs_saturate_s16(sum >> shift));
    }
}

/* Candidates of `units` units from input sums in acc[0], acc[1] ... and recurrent sums CS_GRU_UNITS further; the result, Q0.15,
 * replaces the input sum. `reset`: every second of it, the reset gates, or 0 where they were in the recurrent vector. */
CS_OWN_REGISTERS void gru_candidate(const cs_gru *layer, const int32_t *bias, const int32_t *recurrent_bias,
                                    const int32_t *reset, int32_t *acc, uint32_t units)
{
    const uint32_t *middle = cs_tanh_table + CS_TABLE_MIDDLE;
    const int32_t by_input = layer->input_multiplier[CANDIDATE];
    const int32_t by_recurrent = layer->recurrent_multiplier[CANDIDATE];
    const int32_t shift = layer->gate_shift[CANDIDATE];

    for (const int32_t *end = acc + units; acc < end; acc++, bias++) {
        int32_t sum = cs_multiply_high_add(acc[0], by_input, bias[0]);

        if (reset) {
            const int32_t recurrent = cs_multiply_high_add(acc[CS_GRU_UNITS], by_recurrent, *recurrent_bias++);

            sum = cs_multiply_high_add(recurrent, *reset * (1 << 16), sum);
            reset += 2;
        } else {
            sum = cs_multiply_high_add(acc[CS_GRU_UNITS], by_recurrent, sum);
        }
        acc[0] = (int16_t)cs_interpolate_low(middle, cs_saturate_s16(sum >> shift));
    }
}

/* How a state's two parts meet: at hidden_shift fraction bits. */
typedef struct gru_blend {
    int32_t multiplier, shift, round, up, down, zero_point;
} gru_blend;

static inline gru_blend gru_blend_of(const cs_gru *layer)
{
    const int32_t shift = layer->hidden_shift;
    const int32_t up = shift > 15 ? shift - 15 : 0;

    return (gru_blend){layer->hidden_multiplier, shift, (int32_t)1 << (shift - 1), up, 15 - shift + up,
                       layer->hidden_zero_point};
}

static inline int32_t gru_blended(const gru_blend *blend, int32_t update, int32_t candidate, int32_t hidden)
{
    const int32_t kept = (update * (hidden - blend->zero_point) * (1 << blend->up)) >> blend->down;
    const int32_t added = cs_multiply_high_add(2 * (32768 - update) * candidate, blend->multiplier, blend->round);

    return ((kept + added) >> blend->shift) + blend->zero_point;
}

/* New hidden states of units first..first+units from update gates update[0], update[step] ... and candidates. */
CS_OWN_REGISTERS void gru_update(const cs_gru *layer, const int32_t *update, const int32_t *candidate, void *hidden,
                                 uint32_t first, uint32_t units)
{
    const gru_blend blend = gru_blend_of(layer);
    int8_t *narrow = (int8_t *)hidden + first;
    int16_t *wide = (int16_t *)hidden + first;

    if (layer->wide) {
        for (const int32_t *end = candidate + units; candidate < end; candidate++, update += 2, wide++) {
            *wide = (int16_t)cs_clamp(gru_blended(&blend, *update, *candidate, *wide), -32767, 32767);
        }
    } else {
        for (const int32_t *end = candidate + units; candidate < end; candidate++, update += 2, narrow++) {
            *narrow = (int8_t)cs_clamp_s8(gru_blended(&blend, *update, *candidate, *narrow));
        }
    }
}

/* Without reset_after: update gates kept for later, and the hidden state times the reset gates, in the hidden state's type. */
CS_OWN_REGISTERS void gru_reset(const cs_gru *layer, const int32_t *gates, const void *hidden, int16_t *update,
                                void *product, uint32_t first, uint32_t units)
{
    const int32_t zero_point = layer->hidden_zero_point;

    for (uint32_t u = first; u < first + units; u++, gates += 2) {
        const int32_t old = layer->wide ? ((const int16_t *)hidden)[u] : ((const int8_t *)hidden)[u];
        const int32_t left = ((gates[RESET_GATE] * (old - zero_point) + (1 << 14)) >> 15) + zero_point;

        update[u] = (int16_t)gates[UPDATE_GATE];
        if (layer->wide) {
            ((int16_t *)product)[u] = (int16_t)left;
        } else {
            ((int8_t *)product)[u] = (int8_t)left;
        }
    }
}

#endif

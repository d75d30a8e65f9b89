/* SPDX-License-Identifier: Apache-2.0 */
/* lstm_cell.h with the vector extension: a vector is the four gates of a unit, then one state of four units. */
#ifndef CODESIGN_NN_LSTM_CELL_MVE_H
#define CODESIGN_NN_LSTM_CELL_MVE_H

#include <arm_mve.h>

#include "arithmetic.h"
#include "codesign/nn.h"
#include "lstm_gates.h"

/* cs_interpolate_low of four inputs q: `index` counts table words from `base`. */
static inline int32x4_t interpolate_low(const uint32_t *base, int32x4_t index, int32x4_t q)
{
    const int32x4_t word = (int32x4_t)vldrwq_gather_shifted_offset_u32(base, (uint32x4_t)index);

    return vaddq_s32(word, vrshrq_n_s32(vmulq_s32(vshrq_n_s32(word, 16), q), 7));
}

CS_OWN_REGISTERS void activate_gates(const cs_lstm *layer, const int32_t *bias, int32_t *acc, uint32_t units)
{
    const uint32_t *middle = cs_sigmoid_table + CS_TABLE_MIDDLE;
    const int32_t to_tanh = (int32_t)(((uintptr_t)cs_tanh_table - (uintptr_t)cs_sigmoid_table) / sizeof *middle);
    const int32x4_t table = vsetq_lane_s32(to_tanh, vdupq_n_s32(0), CELL_GATE);
    const int32x4_t input_multiplier = vldrwq_s32(layer->input_multiplier);
    const int32x4_t recurrent_multiplier = vldrwq_s32(layer->recurrent_multiplier);
    /* Pre-activations saturate in the upper half of a lane: sum >> gate_shift is sum << (16 - gate_shift) there. */
    const int32x4_t shift = vsubq_s32(vdupq_n_s32(16), (int32x4_t)vldrbq_u32(layer->gate_shift));

    for (; units > 0; units--, acc += GATES, bias += GATES) {
        int32x4_t sum = vaddq_s32(vmulhq_s32(vldrwq_s32(acc), input_multiplier), vldrwq_s32(bias));

        sum = vaddq_s32(vmulhq_s32(vldrwq_s32(acc + CS_BLOCK_ROWS), recurrent_multiplier), sum);
        sum = vqshlq_s32(sum, shift);
        const int32x4_t index = vaddq_s32(vshrq_n_s32(sum, 16 + 7), table);
        vstrwq_s32(acc, interpolate_low(middle, index, vshrq_n_s32(sum, 16)));
    }
}

CS_OWN_REGISTERS void update_states(const cs_lstm *layer, const int32_t *gates, void *hidden_int8, int16_t *cell,
                                    uint32_t units)
{
    int8_t *hidden = hidden_int8;
    const uint32_t *middle = cs_tanh_table + CS_TABLE_MIDDLE;
    const int32_t shift = 15 - layer->cell_fraction; /* i * g, Q0.30, to the fraction of f * c; and the cell to Q15 */
    const int32_t hidden_multiplier = layer->hidden_multiplier;
    const int32_t hidden_shift = layer->hidden_shift;
    const int32_t zero_point = layer->hidden_zero_point;
    const int32x4_t low = vdupq_n_s32(-127), high = vdupq_n_s32(127);
    int32_t left = (int32_t)units;

    /* The last vector reads gates after the block's, scratch all the same, and stores nothing of them. */
    for (; left > 0; left -= 4, gates += 4 * GATES, cell += 4, hidden += 4) {
        const mve_pred16_t real = vctp32q((uint32_t)left);
        const int32x4x4_t gate = vld4q_s32(gates);
        const int32x4_t old = vldrhq_z_s32(cell, real);
        const int32x4_t added = vshlq_r_s32(
            vmullbq_int_s16((int16x8_t)gate.val[INPUT_GATE], (int16x8_t)gate.val[CELL_GATE]), -shift);
        const int32x4_t kept = vmullbq_int_s16((int16x8_t)gate.val[FORGET_GATE], (int16x8_t)old);
        const int16x8_t c = vqrshrnbq_n_s32((int16x8_t)old, vaddq_s32(kept, added), 15);
        const int16x8_t z = vqrshrnbq_n_s32(c, vshlq_r_s32(vmovlbq_s16(c), shift), 3); /* Q15 to Q3.12 */
        const int32x4_t wide = vmovlbq_s16(z);
        const int32x4_t squashed = interpolate_low(middle, vshrq_n_s32(wide, 7), wide);
        const int32x4_t y = vmullbq_int_s16((int16x8_t)gate.val[OUTPUT_GATE], (int16x8_t)squashed);
        int32x4_t h = vrshlq_n_s32(vqdmulhq_n_s32(y, hidden_multiplier), -hidden_shift);

        h = vminq_s32(vmaxq_s32(vaddq_n_s32(h, zero_point), low), high);
        vstrhq_p_s32(cell, (int32x4_t)c, real);
        vstrbq_p_s32(hidden, h, real);
    }
}

#endif

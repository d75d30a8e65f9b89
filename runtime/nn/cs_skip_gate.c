/* SPDX-License-Identifier: Apache-2.0 */
/* Skip RNN gate: a step updates the guarded LSTM layers when the state is at least one half. */
#include "arithmetic.h"
#include "codesign/nn.h"

#define HALF 16384 /* Q0.15 */

int cs_skip_gate_open(const int16_t *state)
{
    return *state >= HALF;
}

void cs_skip_gate_advance(int updated, int16_t logit, int16_t *state, int16_t *delta)
{
    if (updated) {
        *delta = (int16_t)cs_interpolate(cs_sigmoid_table, logit);
        *state = *delta;
    } else {
        *state = (int16_t)cs_saturate_s16(*state + *delta);
    }
}

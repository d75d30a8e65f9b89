/* SPDX-License-Identifier: Apache-2.0 */
/* One step of an LSTM with int8 hidden state. */
#include "lstm_step.h"

void cs_lstm_step(const cs_lstm *layer, const int8_t *x, int8_t *hidden, int16_t *cell, void *scratch)
{
    lstm_step(layer, x, hidden, sizeof *hidden, cell, scratch, update_states);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What the two forms of the LSTM cell share. */
#ifndef CODESIGN_NN_LSTM_GATES_H
#define CODESIGN_NN_LSTM_GATES_H

enum { GATES = 4, INPUT_GATE = 0, FORGET_GATE = 1, CELL_GATE = 2, OUTPUT_GATE = 3 };

/* Not inlined: loops with registers of their own are shorter than one function that spills. Not all of them are used everywhere. */
#define CS_OWN_REGISTERS static __attribute__((noinline, unused))

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Assembler macros: the frame of a function over the cells of a GRU, with `local` bytes at sp, and one cell: a GRU with reset_after,
 * four units in a vector; docs/numerics.md has the arithmetic. Loads and multiplications stand between additions and shifts, because a
 * core may overlap one of each.
 *
 * A pre-activation is shifted so that it saturates to the upper 16 bits: they are its Q3.12, their upper nine the interval of the
 * table. Gates, Q0.15, have a meaning in the low half of each lane only. An update gate z is never 0, so that 2^15 - z fits.
 *
 *   r0  constants, running     r4-r6   16 - shift of update, reset, candidate   r9, r10  middles of the sigmoid's, tanh's table
 *   r1  input sums, running    r8, r12 hidden_shift - 15, -hidden_shift         q6, q7   2^15, -32767
 *   r2  recurrent sums, where they are in memory */
#include "saved_registers.h"

#define SAVED 100            /* bytes of registers */
#define TABLE_MIDDLE 4 * 256 /* bytes; CS_TABLE_MIDDLE */
#define QUAD_BYTES 176       /* constants of four units */

        .macro  BEGIN name local
        .section .text.\name, "ax", %progbits
        .balign 4
        .globl  \name
        .type   \name, %function
        .thumb_func
\name:
        .cfi_startproc
        push    {r4-r11, lr}
        vpush   {d8-d15}
        .if     \local
        sub     sp, sp, #\local
        .endif
        .cfi_def_cfa_offset SAVED + \local
        SAVED_R4_R11_LR
        movw    r4, #0x8000
        vdup.32 q6, r4
        movw    r4, #0x8001
        vdup.16 q7, r4
        ldm     r0!, {r4-r6, r8, r12}
        ldr     r9, .Lsigmoid\name
        ldr     r10, .Ltanh\name
        .endm

        .macro  END name local
        .if     \local
        add     sp, sp, #\local
        .endif
        vpop    {d8-d15}
        pop     {r4-r11, pc}
        .balign 4
.Lsigmoid\name:
        .word   cs_sigmoid_table + TABLE_MIDDLE
.Ltanh\name:
        .word   cs_tanh_table + TABLE_MIDDLE
        .cfi_endproc
        .size   \name, . - \name
        .globl  \name\().stack_bytes
        .set    \name\().stack_bytes, SAVED + \local
        .endm

        /* Recurrent sums into \register, where they are in memory. */
        .macro  RECURRENT register offset loaded
        .if     \loaded
        vldrw.u32 \register, [r2, #\offset]
        .endif
        .endm

        /* New states of four units in the low halves of q0. Recurrent sums in q2, q4, q5, or with `loaded` at r2. */
        .macro  CELLS loaded h
        vldrw.u32 q0, [r1]
        vldrw.u32 q1, [r0]
        vmulh.s32 q0, q0, q1
        RECURRENT q2 0 \loaded
        vldrw.u32 q1, [r0, #16]
        vmulh.s32 q2, q2, q1
        vldrw.u32 q1, [r0, #32]
        vadd.i32 q0, q0, q1
        vldrw.u32 q3, [r1, #16]
        vadd.i32 q0, q0, q2
        vldrw.u32 q1, [r0, #48]
        vmulh.s32 q3, q3, q1
        RECURRENT q4 16 \loaded
        vqshl.s32 q0, r4
        vldrw.u32 q1, [r0, #64]
        vmulh.s32 q4, q4, q1
        vldrw.u32 q1, [r0, #80]
        vadd.i32 q3, q3, q1
        vshr.s32 q1, q0, #23
        vadd.i32 q3, q3, q4
        vldrw.u32 q2, [r9, q1, uxtw #2]
        vqshl.s32 q3, r5
        vmullt.s16 q0, q2, q0
        vshr.s32 q1, q3, #23
        vrshr.s32 q0, q0, #7
        vldrw.u32 q4, [r9, q1, uxtw #2]
        vadd.i32 q0, q0, q2                     // update gates
        vmullt.s16 q3, q4, q3
        RECURRENT q5 32 \loaded
        vrshr.s32 q3, q3, #7
        vldrw.u32 q1, [r0, #96]
        vadd.i32 q3, q3, q4                     // reset gates
        vmulh.s32 q5, q5, q1
        vldrw.u32 q1, [r0, #112]
        vshl.i32 q3, q3, #16
        vldrw.u32 q2, [r1, #32]
        vadd.i32 q5, q5, q1
        vldrw.u32 q1, [r0, #128]
        vmulh.s32 q5, q5, q3
        vmulh.s32 q2, q2, q1
        vldrw.u32 q1, [r0, #144]
        vadd.i32 q2, q2, q1
        vadd.i32 q2, q2, q5
        vldrh.s32 q5, [\h]
        vqshl.s32 q2, r6
        vmullb.s16 q4, q0, q5
        vshr.s32 q1, q2, #23
        vldrw.u32 q3, [r10, q1, uxtw #2]
        vsub.i32 q0, q6, q0
        vmullt.s16 q2, q3, q2
        vldrw.u32 q1, [r0, #160]
        vrshr.s32 q2, q2, #7
        vadd.i32 q2, q2, q3                     // candidates
        vqdmullb.s16 q0, q0, q2
        vshl.s32 q4, r8
        vmulh.s32 q0, q0, q1
        vadd.i32 q0, q0, q4
        vrshl.s32 q0, r12
        vqmovnb.s32 q0, q0
        vmax.s16 q0, q0, q7
        .endm

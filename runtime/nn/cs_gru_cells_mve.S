/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_gru_cells(const int32_t *constants, const int32_t *input_sums, const int32_t *recurrent_sums, int16_t *hidden,
 *                   uint32_t count, uint32_t units)
 * void cs_gru_scan_<units>(const int32_t *constants, const int32_t *input_sums, const int16_t *before, int16_t *after,
 *                          uint32_t count, int32_t step)
 *
 * codesign/rows.h says what they compute, docs/numerics.md the arithmetic: a GRU with reset_after, four units in a vector. Loads and
 * multiplications stand between additions and shifts, because a core may overlap one of each.
 *
 * A pre-activation is shifted so that it saturates to the upper 16 bits: they are its Q3.12, their upper nine the interval of the
 * table. Gates, Q0.15, have a meaning in the low half of each lane only. An update gate z is never 0, so that 2^15 - z fits.
 *
 *   r0  constants, running     r4-r6   16 - shift of update, reset, candidate   r9, r10  middles of the sigmoid's, tanh's table
 *   r1  input sums, running    r8, r12 hidden_shift - 15, -hidden_shift         q6, q7   2^15, -32767
 *   r3  h of these four units
 *   cells: r2 recurrent sums, r11 and r7 bytes of a position's sums and states, lr positions left
 *   scan: r2 before, r11 an element of it, r7 after, both running; lr fours of columns left
 *
 * Stack: 124 bytes, declared to the stack analysis by symbols. Leaf functions. */
#if defined(__ARM_FEATURE_MVE)

#define QUAD_BYTES 176       /* constants of four units */

        .syntax unified
        .thumb
        .cfi_sections .debug_frame

#include "gru_cells_mve.h"

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

        /* [sp] input sums, [sp, #4] recurrent sums, [sp, #8] states, of these four units; [sp, #12] states of the first four
         * after the last */
        BEGIN   cs_gru_cells
        ldrd    lr, r7, [sp, #STACK]           // count, units
        strd    r1, r2, [sp]
        str     r3, [sp, #8]
        lsl     r7, r7, #1
        add     r11, r7, r7, lsl #1
        lsl     r11, r11, #1
        add     r3, r3, r7
        str     r3, [sp, #12]
1:                                              // the next four units
        ldrd    r1, r2, [sp]
        ldrd    r3, lr, [sp, #8]
        add     r1, r1, #48
        add     r2, r2, #48
        adds    r3, r3, #8
        strd    r1, r2, [sp]
        str     r3, [sp, #8]
        subs    r1, r1, #48
        subs    r2, r2, #48
        subs    r3, r3, #8
        cmp     r3, lr
        beq     3f
        ldr     lr, [sp, #STACK]
        dls     lr, lr
2:                                              // the next position
        CELLS   1 r3
        add     r1, r1, r11
        vstrh.32 q0, [r3]
        add     r2, r2, r7, lsl #1
        add     r2, r2, r7, lsl #2
        add     r3, r3, r7
        le      lr, 2b
        adds    r0, r0, #QUAD_BYTES
        b       1b
3:
        END     cs_gru_cells

        /* [sp] weights, [sp, #4] after, of this step; [sp, #8] end of the states before */
        .macro  SCAN name units
        BEGIN   \name
        strd    r0, r3, [sp]
        mov     r7, r3
1:                                              // the next step
        mov     r3, r2
        add     r11, r2, #2 * \units
        str     r11, [sp, #8]
2:                                              // the next four units
        vmov.i32 q2, #0
        vmov.i32 q4, #0
        vmov.i32 q5, #0
        movs    r11, #\units / 4
        dls     lr, r11
3:
        .rept   4
        ldrsh   r11, [r2], #2
        vldrb.s32 q0, [r0], #4
        vmla.s32 q2, q0, r11
        vldrb.s32 q1, [r0], #4
        vmla.s32 q4, q1, r11
        vldrb.s32 q0, [r0], #4
        vmla.s32 q5, q0, r11
        .endr
        le      lr, 3b
        sub     r2, r2, #2 * \units
        CELLS   0 r3
        add     r1, r1, #48
        adds    r3, r3, #8
        vstrh.32 q0, [r7], #8
        add     r0, r0, #QUAD_BYTES
        ldr     r11, [sp, #8]
        cmp     r3, r11
        bne     2b
        ldrd    r11, lr, [sp, #STACK]           // steps left, step
        ldrd    r0, r2, [sp]
        add     r7, r2, lr
        subs    r11, r11, #1
        str     r11, [sp, #STACK]
        str     r7, [sp, #4]
        bne     1b
        END     \name
        .endm

        SCAN    cs_gru_scan_8 8
        SCAN    cs_gru_scan_12 12
        SCAN    cs_gru_scan_16 16

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif

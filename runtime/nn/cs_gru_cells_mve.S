/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_gru_cells_<units>(const int32_t *constants, const int32_t *input_sums, const int32_t *recurrent_sums, int16_t *hidden,
 *                           uint32_t count)
 *
 * codesign/rows.h says what it computes. The registers are those of gru_cells_mve.h; besides r3 h of these four units, lr pairs of
 * positions left. Two positions at once hide what one would wait for, and share the constants.
 *
 *   [sp] 2^15, [sp, #16] -32767, four of each; [sp, #32] input sums, [sp, #36] recurrent sums, [sp, #40] states of these four units,
 *   [sp, #44] fours of units left
 *
 * Stack: 148 bytes, declared to the stack analysis by symbols. Leaf functions. */
#if defined(__ARM_FEATURE_MVE)

        .syntax unified
        .thumb
        .cfi_sections .debug_frame

#include "gru_cells_mve.h"

#define LOCAL 48 /* bytes */

        /* The new states of this position and of the next one, each its cell: the order is one that waits for little. */
        .macro  TWO_CELLS units
        vldrw.u32 q0, [r0]
        vldrw.u32 q1, [r1, #12 * \units]
        vmulh.s32 q2, q1, q0
        vldrw.u32 q3, [r1]
        vmulh.s32 q4, q3, q0
        vldrw.u32 q5, [r0, #32]
        vadd.i32 q6, q4, q5
        vldrw.u32 q7, [r2, #12 * \units]
        vadd.i32 q1, q2, q5
        vldrw.u32 q3, [r0, #16]
        vmulh.s32 q0, q7, q3
        vldrw.u32 q4, [r2]
        vmulh.s32 q5, q4, q3
        vldrw.u32 q2, [r0, #80]
        vadd.i32 q7, q1, q0
        vldrw.u32 q4, [r1, #16]
        vadd.i32 q3, q6, q5
        vldrw.u32 q0, [r0, #48]
        vqshl.s32 q3, r4
        vmulh.s32 q1, q4, q0
        vqshl.s32 q7, r4
        vldrw.u32 q5, [r0, #64]
        vshr.s32 q6, q7, #23
        vldrw.u32 q4, [r1, #12 * \units + 16]
        vadd.i32 q1, q1, q2
        vmulh.s32 q0, q4, q0
        vldrw.u32 q4, [r2, #16]
        vadd.i32 q0, q0, q2
        vmulh.s32 q2, q4, q5
        vldrw.u32 q4, [r2, #12 * \units + 16]
        vmulh.s32 q4, q4, q5
        vadd.i32 q5, q1, q2
        vldrw.u32 q1, [r9, q6, uxtw #2]
        vqshl.s32 q5, r5
        vmullt.s16 q2, q1, q7
        vshr.s32 q6, q3, #23
        vldrw.u32 q7, [r9, q6, uxtw #2]
        vadd.i32 q6, q0, q4
        vmullt.s16 q0, q7, q3
        vshr.s32 q4, q5, #23
        vldrw.u32 q3, [r9, q4, uxtw #2]
        vqshl.s32 q6, r5
        vmullt.s16 q4, q3, q5
        vrshr.s32 q5, q2, #7
        vshr.s32 q2, q6, #23
        vadd.i32 q1, q5, q1
        vldrw.u32 q5, [r9, q2, uxtw #2]
        vrshr.s32 q2, q0, #7
        vmullt.s16 q0, q5, q6
        vadd.i32 q6, q2, q7
        vldrw.u32 q7, [r0, #112]
        vrshr.s32 q2, q4, #7
        vldrw.u32 q4, [r0, #96]
        vadd.i32 q2, q2, q3
        vldrw.u32 q3, [r2, #32]
        vrshr.s32 q0, q0, #7
        vmulh.s32 q3, q3, q4
        vadd.i32 q5, q0, q5
        vldrw.u32 q0, [r2, #12 * \units + 32]
        vshl.i32 q5, q5, #16
        vmulh.s32 q0, q0, q4
        vldrw.u32 q4, [r0, #128]
        vadd.i32 q0, q0, q7
        vmulh.s32 q0, q0, q5
        vshl.i32 q5, q2, #16
        vldrw.u32 q2, [r1, #12 * \units + 32]
        vmulh.s32 q2, q2, q4
        vadd.i32 q3, q3, q7
        vldrw.u32 q7, [r0, #144]
        vadd.i32 q2, q2, q7
        vmulh.s32 q5, q3, q5
        vadd.i32 q3, q2, q0
        vldrw.u32 q2, [r1, #32]
        vqshl.s32 q3, r6
        vmulh.s32 q0, q2, q4
        vshr.s32 q2, q3, #23
        vldrw.u32 q4, [r10, q2, uxtw #2]
        vadd.i32 q2, q0, q7
        vmullt.s16 q0, q4, q3
        vadd.i32 q7, q2, q5
        vldrh.s32 q3, [r3, #2 * \units]
        vrshr.s32 q5, q0, #7
        vldrw.u32 q2, [r0, #160]
        vadd.i32 q0, q5, q4
        vmullb.s16 q4, q1, q3
        vqshl.s32 q7, r6
        vldrw.u32 q5, [sp]
        vsub.i32 q3, q5, q1
        vqdmullb.s16 q1, q3, q0
        vshr.s32 q0, q7, #23
        vldrw.u32 q3, [r10, q0, uxtw #2]
        vsub.i32 q0, q5, q6
        vmullt.s16 q5, q3, q7
        vshl.s32 q4, r8
        vldrh.s32 q7, [r3]
        vrshr.s32 q5, q5, #7
        vmulh.s32 q1, q1, q2
        vadd.i32 q3, q5, q3
        vqdmullb.s16 q5, q0, q3
        vadd.i32 q3, q1, q4
        vmullb.s16 q0, q6, q7
        vrshl.s32 q3, r12
        vmulh.s32 q1, q5, q2
        vshl.s32 q0, r8
        vldrw.u32 q4, [sp, #16]
        vadd.i32 q6, q1, q0
        add     r1, r1, #24 * \units
        vrshl.s32 q6, r12
        vqmovnb.s32 q7, q6
        add     r2, r2, #24 * \units
        vqmovnb.s32 q5, q3
        vmax.s16 q2, q7, q4
        vstrh.32 q2, [r3]
        vmax.s16 q1, q5, q4
        vstrh.32 q1, [r3, #2 * \units]
        add     r3, r3, #4 * \units
        .endm

        .macro  ALL_CELLS name units
        BEGIN   \name LOCAL
        vstrw.32 q6, [sp]
        vstrw.32 q7, [sp, #16]
        movs    r7, #\units / 4
        strd    r3, r7, [sp, #40]
1:                                              // the next four units
        ldr     lr, [sp, #SAVED + LOCAL]        // count
        add     r7, r1, #48
        add     r11, r2, #48
        strd    r7, r11, [sp, #32]
        lsrs    lr, lr, #1
        wls     lr, lr, 3f
2:
        TWO_CELLS \units
        le      lr, 2b
3:
        ldr     lr, [sp, #SAVED + LOCAL]
        lsls    lr, lr, #31
        beq     4f
        vldrw.u32 q6, [sp]
        vldrw.u32 q7, [sp, #16]
        CELLS   1 r3
        vstrh.32 q0, [r3]
4:
        ldrd    r3, r7, [sp, #40]
        ldrd    r1, r2, [sp, #32]
        adds    r3, r3, #8
        subs    r7, r7, #1
        strd    r3, r7, [sp, #40]
        add     r0, r0, #QUAD_BYTES
        bne     1b
        END     \name LOCAL
        .endm

        ALL_CELLS cs_gru_cells_4 4
        ALL_CELLS cs_gru_cells_8 8
        ALL_CELLS cs_gru_cells_12 12
        ALL_CELLS cs_gru_cells_16 16

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_gru_scan_<units>(const int32_t *constants, const int32_t *input_sums, const int16_t *before, int16_t *after,
 *                          uint32_t count, int32_t step)
 *
 * codesign/rows.h says what it computes. The registers are those of gru_cells_mve.h; besides
 *
 *   r2  before    r3  h of these four units    r7  after, running    r11  an element of `before`    lr  fours of columns left
 *
 * Stack: 112 bytes, declared to the stack analysis by symbols. Leaf functions. */
#if defined(__ARM_FEATURE_MVE)

        .syntax unified
        .thumb
        .cfi_sections .debug_frame

#include "gru_cells_mve.h"

#define LOCAL 12 /* bytes */

        /* [sp] weights, [sp, #4] after, of this step; [sp, #8] end of the states before */
        .macro  SCAN name units
        BEGIN   \name LOCAL
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
        ldrd    r11, lr, [sp, #SAVED + LOCAL]           // steps left, step
        ldrd    r0, r2, [sp]
        add     r7, r2, lr
        subs    r11, r11, #1
        str     r11, [sp, #SAVED + LOCAL]
        str     r7, [sp, #4]
        bne     1b
        END     \name LOCAL
        .endm

        SCAN    cs_gru_scan_8 8
        SCAN    cs_gru_scan_12 12
        SCAN    cs_gru_scan_16 16

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif

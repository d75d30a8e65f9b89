/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_patch_columns(const cs_patch_shape *shape, const int16_t *row, int32_t at, int16_t *patch, uint32_t count)
 *
 * conv_vectors.h says what it computes. Eight patches of a column of two channels in an iteration; a source outside of its row is 0.
 * Of an odd number of channels the last one is written twice.
 *
 *   r0  row                r5  eight steps       r10  bytes to the next channel    q1, q7  where patches stand
 *   r1  column, running    r6  dilation          r11  of columns                   q2      elements of a row
 *   r2  count              r7  channels left     r12  the other row, or source     q0      elements of the first tap
 *   r3  patch, running     r8  taps left         lr   patches left                 q3, q5  of this tap, running and not
 *   r4  source, running    r9  bytes of eight patches                              q4, q6  x
 *   [sp] step, [sp, #4] at, [sp, #8] taps, [sp, #12] source of this tap, [sp, #16] bytes of a channel's columns,
 *   [sp, #20] from row to row
 *
 * Stack: 124 bytes, declared to the stack analysis by the symbol cs_patch_columns.stack_bytes. Leaf function. */
#include "saved_registers.h"

#if defined(__ARM_FEATURE_MVE)

#define STACK 124 /* bytes */

        .syntax unified
        .thumb
        .cfi_sections .debug_frame
        .section .text.cs_patch_columns, "ax", %progbits
        .balign 4
        .globl  cs_patch_columns
        .type   cs_patch_columns, %function
        .thumb_func
cs_patch_columns:
        .cfi_startproc
        push    {r4-r11, lr}
        vpush   {d8-d15}
        sub     sp, sp, #24
        .cfi_def_cfa_offset STACK
        SAVED_R4_R11_LR
        mov     lr, r0
        movs    r4, #0
        vidup.u16 q0, r4, #1
        ldm     lr!, {r5-r8}                    // step, dilation, channels, taps
        strd    r5, r2, [sp]
        str     r8, [sp, #8]
        ldm     lr, {r9-r11, lr}                // elements of a patch, apart, skip, size
        vmul.i16 q1, q0, r9
        lsls    r9, r9, #4
        vmul.i16 q0, q0, r5
        vdup.16 q2, lr
        vadd.i16 q0, q0, r2
        lsls    r5, r5, #3
        add     r4, r11, r8, lsl #1
        str     r4, [sp, #16]
        lsrs    r4, r4, #1
        vadd.i16 q7, q1, r4
        mov     r0, r1
        mov     r1, r3
        ldr     r2, [sp, #STACK]
1:                                              // the next two channels
        cmp     r7, #1
        add     r12, r0, r10
        bne     2f
        mov     r12, r0
        vmov    q7, q1
2:
        vmov    q5, q0
        ldrd    r3, r4, [sp]
        ldr     r8, [sp, #8]
        cmp     r3, #1
        bne     5f
        add     r4, r0, r4, lsl #1
        str     r4, [sp, #12]
        subs    r12, r12, r0
        str     r12, [sp, #20]
3:                                              // the next tap, step 1
        ldr     r4, [sp, #12]
        ldr     r12, [sp, #20]
        vmov    q3, q5
        add     r12, r12, r4
        mov     r3, r1
        dlstp.16 lr, r2
4:
        vptt.u16 hi, q2, q3
        vldrht.u16 q4, [r4], #16
        vldrht.u16 q6, [r12], #16
        vstrh.16 q4, [r3, q1, uxtw #1]
        vadd.i16 q3, q3, r5
        vstrh.16 q6, [r3, q7, uxtw #1]
        add     r3, r3, r9
        letp    lr, 4b
        ldr     r4, [sp, #12]
        vadd.i16 q5, q5, r6
        add     r4, r4, r6, lsl #1
        str     r4, [sp, #12]
        adds    r1, r1, #2
        subs    r8, r8, #1
        bne     3b
        b       7f
5:                                              // the next tap
        vmov    q3, q5
        mov     r3, r1
        dlstp.16 lr, r2
6:
        vptt.u16 hi, q2, q3
        vldrht.u16 q4, [r0, q3, uxtw #1]
        vldrht.u16 q6, [r12, q3, uxtw #1]
        vadd.i16 q3, q3, r5
        vstrh.16 q4, [r3, q1, uxtw #1]
        vstrh.16 q6, [r3, q7, uxtw #1]
        add     r3, r3, r9
        letp    lr, 6b
        vadd.i16 q5, q5, r6
        adds    r1, r1, #2
        subs    r8, r8, #1
        bne     5b
7:
        ldr     r3, [sp, #16]
        add     r0, r0, r10, lsl #1
        add     r1, r1, r11
        add     r1, r1, r3
        subs    r7, r7, #2
        bgt     1b
        add     sp, sp, #24
        vpop    {d8-d15}
        pop     {r4-r11, pc}
        .cfi_endproc
        .size   cs_patch_columns, . - cs_patch_columns

        .globl  cs_patch_columns.stack_bytes
        .set    cs_patch_columns.stack_bytes, STACK

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif

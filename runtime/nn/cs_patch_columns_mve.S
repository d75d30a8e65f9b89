/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_patch_columns(const cs_patch_shape *shape, const int16_t *row, int32_t at, int16_t *patch, uint32_t count)
 *
 * conv_vectors.h says what it computes. Eight patches of a column in an iteration; a source outside of its row is 0.
 *
 *   r0  row                r5  eight steps        r9   bytes of eight patches        q0  elements of the first tap
 *   r1  column, running    r6  dilation           r10  bytes to the next channel     q1  where patches stand
 *   r2  count              r7  channels left      r11  bytes to the next's columns   q2  elements of a row
 *   r3  patch, running     r8  taps left          r12  taps                          q3, q5  elements of this tap, running and not
 *   r4  source, running    lr  patches left                                          q4  x
 *   [sp] 1 where the step is 1
 *
 * Stack: 80 bytes, declared to the stack analysis by the symbol cs_patch_columns.stack_bytes. Leaf function. */
#include "saved_registers.h"

#if defined(__ARM_FEATURE_MVE)

#define STACK 80 /* bytes */

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
        vpush   {d8-d11}
        sub     sp, sp, #12
        .cfi_def_cfa_offset STACK
        SAVED_R4_R11_LR
        mov     lr, r0
        movs    r4, #0
        vidup.u16 q0, r4, #1
        ldm     lr!, {r5-r8}                    // step, dilation, channels, taps
        mov     r12, r8
        ldm     lr, {r9-r11, lr}                // elements of a patch, apart, skip, size
        vmul.i16 q1, q0, r9
        lsls    r9, r9, #4
        vmul.i16 q0, q0, r5
        vdup.16 q2, lr
        vadd.i16 q0, q0, r2
        str     r5, [sp]
        str     r2, [sp, #4]
        lsls    r5, r5, #3
        mov     r4, r1
        mov     r1, r3
        ldr     r2, [sp, #STACK]
        mov     r0, r4
1:                                              // the next channel
        vmov    q5, q0
        mov     r8, r12
        ldr     r4, [sp]
        cmp     r4, #1
        bne     4f
        ldr     r4, [sp, #4]
        add     r4, r0, r4, lsl #1
        str     r4, [sp, #8]
2:                                              // the next tap, step 1
        vmov    q3, q5
        ldr     r4, [sp, #8]
        mov     r3, r1
        dlstp.16 lr, r2
3:
        vpt.u16 hi, q2, q3
        vldrht.u16 q4, [r4]
        adds    r4, r4, #16
        vstrh.16 q4, [r3, q1, uxtw #1]
        vadd.i16 q3, q3, r5
        add     r3, r3, r9
        letp    lr, 3b
        ldr     r4, [sp, #8]
        vadd.i16 q5, q5, r6
        add     r4, r4, r6, lsl #1
        str     r4, [sp, #8]
        adds    r1, r1, #2
        subs    r8, r8, #1
        bne     2b
        b       6f
4:                                              // the next tap
        vmov    q3, q5
        mov     r3, r1
        dlstp.16 lr, r2
5:
        vpt.u16 hi, q2, q3
        vldrht.u16 q4, [r0, q3, uxtw #1]
        vadd.i16 q3, q3, r5
        vstrh.16 q4, [r3, q1, uxtw #1]
        add     r3, r3, r9
        letp    lr, 5b
        vadd.i16 q5, q5, r6
        adds    r1, r1, #2
        subs    r8, r8, #1
        bne     4b
6:
        add     r0, r0, r10
        add     r1, r1, r11
        subs    r7, r7, #1
        bne     1b
        add     sp, sp, #12
        vpop    {d8-d11}
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

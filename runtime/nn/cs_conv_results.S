/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_conv_results(const cs_run *run, const int32_t *acc, uint32_t count, int16_t *y, uint32_t step)
 *
 * Sums of one channel to `count` int16 results, `step` elements apart, as cs_conv_output_run of conv_output.h
 * has them with a `down` of 0. Four at a time, so that none waits for another; y may have any address.
 *
 *   r0  acc, running     r4  positive ^ negative     r8-r11  four sums, then results
 *   r1  y, running       r5  offset                  r12, lr their multipliers
 *   r2  results left     r6  right
 *   r3  positive         r7  up, twice
 *
 * Stack: 36 bytes, declared to the stack analysis by the symbol cs_conv_results.stack_bytes. Leaf function. */
#include "saved_registers.h"

#if defined(__ARM_FEATURE_DSP) && !defined(__ARM_FEATURE_MVE)

#define STACK 36 /* bytes */

        .syntax unified
        .thumb

        .macro  FINISH
        asr     r8, r8, r6
        asr     r9, r9, r6
        asr     r10, r10, r6
        asr     r11, r11, r6
        ssat    r8, #16, r8
        ssat    r9, #16, r9
        ssat    r10, #16, r10
        ssat    r11, #16, r11
        pkhbt   r8, r8, r9, lsl #16
        pkhbt   r10, r10, r11, lsl #16
        qadd16  r8, r8, r7
        qadd16  r10, r10, r7
        .endm

        .macro  STORE
        str     r8, [r1], #4
        subs    r2, r2, #4
        str     r10, [r1], #4
        .endm

        .macro  SCATTER                         // r12: bytes from result to result
        ldr     r12, [sp, #STACK]
        lsr     r9, r8, #16
        lsr     r11, r10, #16
        strh    r8, [r1]
        add     r1, r1, r12
        strh    r9, [r1]
        add     r1, r1, r12
        strh    r10, [r1]
        add     r1, r1, r12
        strh    r11, [r1]
        add     r1, r1, r12
        subs    r2, r2, #4
        .endm

        .macro  CHOOSE                          // the multiplier by the sum's sign, and the product
        ldm     r0!, {r8-r11}
        and     r12, r4, r8, asr #31
        and     lr, r4, r9, asr #31
        eor     r12, r12, r3
        eor     lr, lr, r3
        smmla   r8, r8, r12, r5
        smmla   r9, r9, lr, r5
        and     r12, r4, r10, asr #31
        and     lr, r4, r11, asr #31
        eor     r12, r12, r3
        eor     lr, lr, r3
        smmla   r10, r10, r12, r5
        smmla   r11, r11, lr, r5
        .endm

        .section .text.cs_conv_results, "ax", %progbits
        .balign 4
        .globl  cs_conv_results
        .type   cs_conv_results, %function
        .thumb_func
cs_conv_results:
        .cfi_sections .debug_frame
        .cfi_startproc
        push    {r4-r11, lr}
        .cfi_def_cfa_offset STACK
        SAVED_R4_R11_LR
        mov     r12, r0
        mov     r0, r1
        mov     r1, r3
        ldm     r12, {r3-r7}
        pkhbt   r7, r7, r7, lsl #16
        ldr     r8, [sp, #STACK]
        lsl     r8, r8, #1
        str     r8, [sp, #STACK]
        subs    r2, r2, #4
        blo     .Lrest
        cmp     r8, #2
        bne     .Lapart
        cmp     r4, #0
        beq     .Lsame
        .balign 4
.Lfour:
        CHOOSE
        FINISH
        STORE
        bhs     .Lfour
.Lrest:                                         // fewer than four: r2 + 4
        adds    r2, r2, #4
        beq     .Lend
        ldr     r9, [sp, #STACK]
.Lone:
        ldr     r8, [r0], #4
        and     r12, r4, r8, asr #31
        eor     r12, r12, r3
        smmla   r8, r8, r12, r5
        asr     r8, r8, r6
        ssat    r8, #16, r8
        qadd16  r8, r8, r7
        strh    r8, [r1]
        subs    r2, r2, #1
        add     r1, r1, r9
        bne     .Lone
.Lend:
        pop     {r4-r11, pc}
        .balign 4
.Lsame:                                         // one multiplier for all
        ldm     r0!, {r8-r11}
        smmla   r8, r8, r3, r5
        smmla   r9, r9, r3, r5
        smmla   r10, r10, r3, r5
        smmla   r11, r11, r3, r5
        FINISH
        STORE
        bhs     .Lsame
        b       .Lrest
        .balign 4
.Lapart:
        CHOOSE
        FINISH
        SCATTER
        bhs     .Lapart
        b       .Lrest
        .cfi_endproc
        .size   cs_conv_results, . - cs_conv_results

        .globl  cs_conv_results.stack_bytes
        .set    cs_conv_results.stack_bytes, STACK

#elif defined(__ARM_FEATURE_MVE)

/* void cs_conv_results(const cs_run *run, const int32_t *acc, uint32_t count, int16_t *y, uint32_t step)
 *
 * The same for the vector extension, whose run is other constants: any count, a zero point of 0, four in an iteration.
 *
 *   r1  acc, running    r12  shift          q0  sums, then results       q3  their multipliers
 *   r2  count           r4   bias           q1, q2  positive, negative   q6  where results stand that are apart
 *   r3  y, running      r5   step, bytes    q4, q5  low, high
 *
 * Stack: 64 bytes. Leaf function. */
#define STACK 64 /* bytes */

        .syntax unified
        .thumb

        .macro  FINISH                          // all but the store
        vldrw.u32 q0, [r1], #16
        vadd.i32 q0, q0, r4
        vcmp.s32 lt, q0, zr
        vpsel   q3, q2, q1
        vmulh.s32 q0, q0, q3
        vrshl.s32 q0, r12
        vmax.s32 q0, q0, q4
        vmin.s32 q0, q0, q5
        .endm

        .section .text.cs_conv_results, "ax", %progbits
        .balign 4
        .globl  cs_conv_results
        .type   cs_conv_results, %function
        .thumb_func
cs_conv_results:
        .cfi_sections .debug_frame
        .cfi_startproc
        push    {r4, r5, r6, lr}
        .cfi_def_cfa_offset 16
        .cfi_offset lr, -4
        .cfi_offset r6, -8
        .cfi_offset r5, -12
        .cfi_offset r4, -16
        vpush   {d8-d13}
        .cfi_def_cfa_offset STACK
        ldr     r5, [sp, #STACK]
        ldm     r0!, {r4, r6, r12}
        vdup.32 q1, r4
        vdup.32 q2, r6
        ldm     r0, {r0, r4, r6}
        vdup.32 q4, r0
        vdup.32 q5, r4
        mov     r4, r6
        dlstp.32 lr, r2
        cmp     r5, #1
        bne     .Lapart
.Lfour:
        FINISH
        vstrh.32 q0, [r3], #8
        letp    lr, .Lfour
        b       .Lend
.Lapart:
        movs    r0, #0
        vidup.u32 q6, r0, #1
        vmul.i32 q6, q6, r5
        lsls    r5, r5, #3
.Lscatter:
        FINISH
        vstrh.32 q0, [r3, q6, uxtw #1]
        add     r3, r3, r5
        letp    lr, .Lscatter
.Lend:
        vpop    {d8-d13}
        pop     {r4, r5, r6, pc}
        .cfi_endproc
        .size   cs_conv_results, . - cs_conv_results

        .globl  cs_conv_results.stack_bytes
        .set    cs_conv_results.stack_bytes, STACK

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif

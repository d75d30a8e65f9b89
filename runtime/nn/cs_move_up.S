/* SPDX-License-Identifier: Apache-2.0 */
/* void cs_move_up(void *to, const void *from, uint32_t bytes)
 *
 * Bytes from place to place, upwards: `to` may be below `from` in the same memory. Any addresses: cores with the DSP extension load
 * and store single words anywhere, eight at a time here; the vector extension sixteen bytes.
 *
 *   r0  to, running      r1  from, running      r2  bytes left      r3-r9, r12  words
 *
 * Stack: 28 bytes, with vectors 8, declared to the stack analysis by the symbol cs_move_up.stack_bytes. Leaf function. */
#if defined(__ARM_FEATURE_DSP) || defined(__ARM_FEATURE_MVE)

        .syntax unified
        .thumb

        .section .text.cs_move_up, "ax", %progbits
        .balign 4
        .globl  cs_move_up
        .type   cs_move_up, %function
        .thumb_func
cs_move_up:
        .cfi_sections .debug_frame
        .cfi_startproc
#if defined(__ARM_FEATURE_MVE)
#define STACK 8 /* bytes */
        push    {r4, lr}
        .cfi_def_cfa_offset STACK
        .cfi_offset lr, -4
        .cfi_offset r4, -8
        wlstp.8 lr, r2, .Lend
.Lsixteen:
        vldrb.u8 q0, [r1], #16
        vstrb.8 q0, [r0], #16
        letp    lr, .Lsixteen
.Lend:
        pop     {r4, pc}
#else
#define STACK 28 /* bytes */
        push    {r4-r9, lr}
        .cfi_def_cfa_offset STACK
        .cfi_offset lr, -4
        .cfi_offset r9, -8
        .cfi_offset r8, -12
        .cfi_offset r7, -16
        .cfi_offset r6, -20
        .cfi_offset r5, -24
        .cfi_offset r4, -28
        subs    r2, r2, #32
        blo     .Lless
        .balign 4
.Leight:
        ldr     r3, [r1], #4
        ldr     r4, [r1], #4
        ldr     r5, [r1], #4
        ldr     r6, [r1], #4
        ldr     r7, [r1], #4
        ldr     r8, [r1], #4
        ldr     r9, [r1], #4
        ldr     r12, [r1], #4
        str     r3, [r0], #4
        str     r4, [r0], #4
        str     r5, [r0], #4
        str     r6, [r0], #4
        str     r7, [r0], #4
        str     r8, [r0], #4
        str     r9, [r0], #4
        subs    r2, r2, #32
        str     r12, [r0], #4
        bhs     .Leight
.Lless:                                         // fewer than 32: r2 + 32
        adds    r2, r2, #28
        blo     .Lbytes
.Lword:
        ldr     r3, [r1], #4
        subs    r2, r2, #4
        str     r3, [r0], #4
        bhs     .Lword
.Lbytes:                                        // fewer than 4: r2 + 4
        adds    r2, r2, #4
        beq     .Lend
.Lbyte:
        ldrb    r3, [r1], #1
        subs    r2, r2, #1
        strb    r3, [r0], #1
        bne     .Lbyte
.Lend:
        pop     {r4-r9, pc}
#endif
        .cfi_endproc
        .size   cs_move_up, . - cs_move_up

        .globl  cs_move_up.stack_bytes
        .set    cs_move_up.stack_bytes, STACK

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif

/* void cs_matvec_dual(const void *weights, const int16_t *prepared, uint32_t rows, uint32_t columns, int32_t *acc)
 *
 * cs_matvec_dsp for cores that issue two instructions a cycle (Cortex-M7): same packing, same sums, more instructions, fewer
 * cycles. A block, 4 rows by 4 columns, is nine pairs of which eight hold one of its MACs; beside them the words of the
 * next block are loaded one by one, because a multiple load would issue alone. No MAC uses what was loaded in the cycle
 * before, nor SXTB16's result in the same one. The last block of a row quad loads nothing: there may be no memory behind it.
 *
 *   r0  block of weights        r4  256*S_A + S_B     r8-r11  four weight words
 *   r1  x of the block          r5  S_B               r12     x of columns 0, 2
 *   r2  x of the last block     r6  256*S_C + S_D     lr      x of columns 1, 3
 *   r3  extracted word          r7  S_D
 *   [sp] entry into the loop, [sp, #4] start of prepared, [sp, #8] acc running, [sp, #12] end of acc
 *
 * Stack: 52 bytes, declared to the stack analysis by the symbol cs_matvec_dual.stack_bytes. Leaf function. */

#if defined(__ARM_FEATURE_DSP)

#define STACK 52       /* bytes */
#define BLOCK_BYTES 72 /* code of one block */
#define BLOCKS 8       /* unrolled */

        .syntax unified
        .thumb

        .macro  BLOCK
        sxtb16  r3, r8
        smlad   r4, r8, r12, r4
        ldr.w   r8, [r0, #16]!
        smlad   r5, r3, r12, r5
        sxtb16  r3, r9
        smlad   r6, r9, r12, r6
        ldr.w   r9, [r0, #4]
        smlad   r7, r3, r12, r7
        ldr.w   r12, [r1, #8]!
        smlad   r4, r10, lr, r4
        sxtb16  r3, r10
        smlad   r6, r11, lr, r6
        ldr.w   r10, [r0, #8]
        smlad   r5, r3, lr, r5
        sxtb16  r3, r11
        ldr.w   r11, [r0, #12]
        smlad   r7, r3, lr, r7
        ldr.w   lr, [r1, #4]
        .endm

        .section .text.cs_matvec_dual, "ax", %progbits
        .balign 8
        .globl  cs_matvec_dual
        .type   cs_matvec_dual, %function
        .thumb_func
cs_matvec_dual:
        .cfi_sections .debug_frame
        .cfi_startproc
        push    {r0-r11, lr}                    // r0-r3 only make room for the four words at [sp]
        .cfi_def_cfa_offset STACK
        .cfi_offset lr, -4
        .cfi_offset r11, -8
        .cfi_offset r10, -12
        .cfi_offset r9, -16
        .cfi_offset r8, -20
        .cfi_offset r7, -24
        .cfi_offset r6, -28
        .cfi_offset r5, -32
        .cfi_offset r4, -36
        ldr     r4, [sp, #STACK]                // acc, the fifth argument
        add     r5, r4, r2, lsl #2
        strd    r4, r5, [sp, #8]
        sub     r0, r0, #16
        subs    r3, r3, #1
        lsrs    r3, r3, #2                      // blocks of a row quad that have another behind them
        add     r2, r1, r3, lsl #3
        beq     .Lone
        rsbs    r3, r3, #0
        and     r3, r3, #(BLOCKS - 1)           // blocks to leave out of the first round
        movs    r4, #BLOCK_BYTES
        muls    r3, r4, r3
        adr.w   r4, .Lblocks
        adds    r3, r3, r4
        b       .Lentry
.Lone:
        adr.w   r3, .Llast
.Lentry:
        orr     r3, r3, #1                      // stay in Thumb state
        str     r3, [sp]

.Lquad:
        ldr     r3, [sp]
        adds    r0, r0, #16
        mov     r4, #0
        mov     r5, #0
        ldm     r0, {r8-r11}
        mov     r6, #0
        mov     r7, #0
        ldrd    r12, lr, [r1]
        bx      r3

        .balign 8
.Lblocks:
        .rept   BLOCKS
        BLOCK
        .endr
.Lblocks_end:
        cmp     r1, r2
        bne     .Lblocks

        .balign 4
.Llast:
        smlad   r4, r8, r12, r4
        sxtb16  r8, r8
        smlad   r6, r9, r12, r6
        sxtb16  r9, r9
        smlad   r4, r10, lr, r4
        sxtb16  r10, r10
        smlad   r5, r8, r12, r5
        smlad   r6, r11, lr, r6
        sxtb16  r11, r11
        smlad   r7, r9, r12, r7
        smlad   r5, r10, lr, r5
        smlad   r7, r11, lr, r7
        ldrd    r1, r8, [sp, #4]
        ldr     r9, [sp, #12]
        subs    r4, r4, r5                      // 256 * S_A
        lsls    r5, r5, #8
        subs    r6, r6, r7                      // 256 * S_C
        lsls    r7, r7, #8
        stm     r8!, {r4-r7}
        str     r8, [sp, #8]
        cmp     r8, r9
        bne     .Lquad

        pop     {r0-r11, pc}
        .cfi_endproc
        .size   cs_matvec_dual, . - cs_matvec_dual

        .if     (.Lblocks_end - .Lblocks) != BLOCKS * BLOCK_BYTES
        .error  "BLOCK_BYTES is not the size of a block"
        .endif

        .globl  cs_matvec_dual.stack_bytes
        .set    cs_matvec_dual.stack_bytes, STACK

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif

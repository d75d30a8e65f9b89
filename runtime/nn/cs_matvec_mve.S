/* const void *cs_matvec_mve(const void *weights, const int16_t *prepared, uint32_t rows, uint32_t columns, int32_t *acc)
 *
 * acc[r] = 256 * sum_c w[r][c] * x[c]; rows a multiple of 4, rows and columns > 0. Packing: see cs_kernel_mve.c. Returns the
 * weights behind the last row.
 *
 * A chunk, sixteen columns of four rows, is five vector loads and four VMLADAV: 64 MACs in 9 instructions. Two chunks are
 * one round of the loop; an odd chunk goes first. Loads and multiplications alternate, because a core may overlap one of
 * each. Columns behind the last chunk: each row's are loaded with what stands before them in the matrix, as many bytes
 * as fill a vector, and x has zeros there; a matrix without a whole chunk has nothing before it and is loaded under a
 * predicate.
 *
 *   r0  weights, running        r4, r6, r8, r10  sums of rows 0..3      q0  x
 *   r1  prepared, running       r5  acc, running    r9  whole chunks    q1, q3  weights of one row
 *   r2  rows left               r7  start of x      r11  columns behind the last chunk, rounded up to 4
 *   r3  scratch                 lr  rounds left                         q2  x behind the last chunk, zeros before or after
 *
 * Stack: 36 bytes, declared to the stack analysis by the symbol cs_matvec_mve.stack_bytes. Leaf function. */

#if defined(__ARM_FEATURE_MVE)

#define STACK 36 /* bytes */

        .syntax unified
        .thumb

        .macro  CHUNK
        vldrw.u32 q0, [r1], #16
        vldrw.u32 q1, [r0], #64
        vmladava.s8 r4, q1, q0
        vldrw.u32 q3, [r0, #-48]
        vmladava.s8 r6, q3, q0
        vldrw.u32 q1, [r0, #-32]
        vmladava.s8 r8, q1, q0
        vldrw.u32 q3, [r0, #-16]
        vmladava.s8 r10, q3, q0
        .endm

        .macro  TAIL    sum
        add     r0, r0, r11
        vldrw.u32 q1, [r0, #-16]
        vmladava.s8 \sum, q1, q2
        .endm

        .macro  SHORT   sum
        vpst
        vldrbt.u8 q1, [r0]                      // zeros in the other lanes
        add     r0, r0, r11
        vmladava.s8 \sum, q1, q2
        .endm

        .section .text.cs_matvec_mve, "ax", %progbits
        .balign 4
        .globl  cs_matvec_mve
        .type   cs_matvec_mve, %function
        .thumb_func
cs_matvec_mve:
        .cfi_sections .debug_frame
        .cfi_startproc
        push    {r4-r11, lr}
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
        ldr     r5, [sp, #STACK]                // acc, the fifth argument
        mov     r7, r1
        adds    r3, r3, #3
        lsrs    r3, r3, #2                      // column quads
        and     r11, r3, #3
        lsls    r11, r11, #2
        lsrs    r9, r3, #2
        beq     .Lshort
        add     r1, r1, r3, lsl #2              // the last 16 of x, with zeros where whole chunks have been
        vldrw.u32 q2, [r1, #-16]
        rsb     r3, r11, #16
        vctp.8  r3
        vmov.i32 q1, #0
        vpsel   q2, q1, q2
        mov     r1, r7

.Lquad:
        movs    r4, #0
        movs    r6, #0
        mov     r8, #0
        mov     r10, #0
        lsrs    r3, r9, #1                      // carry: an odd chunk
        bcc     .Leven
        CHUNK
.Leven:
        wls     lr, r3, .Lrounds_end
.Lround:
        CHUNK
        CHUNK
        le      lr, .Lround
.Lrounds_end:
        cmp     r11, #0
        beq     .Lstore
        TAIL    r4
        TAIL    r6
        TAIL    r8
        TAIL    r10
.Lstore:
        lsls    r4, r4, #8
        lsls    r6, r6, #8
        lsl     r8, r8, #8
        lsl     r10, r10, #8
        mov     r1, r7
        stm     r5!, {r4, r6, r8, r10}
        subs    r2, r2, #4
        bne     .Lquad
        pop     {r4-r11, pc}

.Lshort:
        vctp.8  r11
        vpst
        vldrbt.u8 q2, [r1]
.Lshort_quad:
        movs    r4, #0
        movs    r6, #0
        mov     r8, #0
        mov     r10, #0
        SHORT   r4
        SHORT   r6
        SHORT   r8
        SHORT   r10
        lsls    r4, r4, #8
        lsls    r6, r6, #8
        lsl     r8, r8, #8
        lsl     r10, r10, #8
        stm     r5!, {r4, r6, r8, r10}
        subs    r2, r2, #4
        bne     .Lshort_quad
        pop     {r4-r11, pc}
        .cfi_endproc
        .size   cs_matvec_mve, . - cs_matvec_mve

        .globl  cs_matvec_mve.stack_bytes
        .set    cs_matvec_mve.stack_bytes, STACK

#endif

/* Bare-metal objects of GCC carry no such note, and one that does makes ld warn about all others. */
#if defined(__linux__) && defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Assembler macros: sums of some rows of weights times all patches, for cs_conv_vectors.S, whose registers they use.
 *
 * A sum is there three cycles after its last product. The last one of a patch is stored while the next patch is on its way, so that
 * nothing waits; at first it puts something where another row's last sum, or nothing, will stand. */

        /* Eight weights of the row into \q, \at the bytes before them; the last ones of a row are predicated. */
        .macro  WEIGHTS q last=0
        .if     \last
        vpst
        vldrbt.s16 \q, [r2, q0]
        .else
        vldrb.s16 \q, [r2, q0]
        adds    r2, r2, #32
        .endif
        .endm

        /* The next row; after the last one it again. */
        .macro  NEXT_ROW
        adds    r8, r8, #1
        cmp     r8, r10
        bhs     .Llast\@
        add     r9, r9, #4
        tst     r8, #3
        it      eq
        addeq   r9, r9, r11
.Llast\@:
        mov     r2, r9
        .endm

        /* x of the \at-th vector of a patch. Whole patches follow one another; others are moved on at the end. */
        .macro  X q at whole
        .if     \whole
        vldrh.u16 \q, [r1], #16
        .else
        vldrh.u16 \q, [r1, #16 * \at]
        .endif
        .endm

        .macro  NEXT_PATCH whole
        .if     \whole == 0
        add     r1, r1, r6
        .endif
        .endm

        .macro  ONE_VECTOR whole
        WEIGHTS q2 1
        NEXT_ROW
        WEIGHTS q3 1
        NEXT_ROW
        WEIGHTS q4 1
        NEXT_ROW
        subs    r7, r7, #4
1:
        X       q0 0 \whole
        vmladav.s16 r0, q2, q0
        str     r4, [r7], #4
        vmladav.s16 r2, q3, q0
        NEXT_PATCH \whole
        vmladav.s16 r4, q4, q0
        str     r0, [r3], #4
        str     r2, [r5], #4
        le      lr, 1b
        str     r4, [r7]
        b       .Lresults
        .endm

        .macro  TWO_VECTORS whole
        WEIGHTS q2
        WEIGHTS q3 1
        NEXT_ROW
        WEIGHTS q4
        WEIGHTS q5 1
        NEXT_ROW
        WEIGHTS q6
        WEIGHTS q7 1
        NEXT_ROW
        subs    r7, r7, #4
1:
        X       q0 0 \whole
        vmladav.s16 r0, q2, q0
        X       q1 1 \whole
        vmladava.s16 r0, q3, q1
        str     r4, [r7], #4
        vmladav.s16 r2, q4, q0
        NEXT_PATCH \whole
        vmladava.s16 r2, q5, q1
        str     r0, [r3], #4
        vmladav.s16 r4, q6, q0
        str     r2, [r5], #4
        vmladava.s16 r4, q7, q1
        le      lr, 1b
        str     r4, [r7]
        b       .Lresults
        .endm

        .macro  THREE_VECTORS whole
        WEIGHTS q2
        WEIGHTS q3
        WEIGHTS q4 1
        NEXT_ROW
        WEIGHTS q5
        WEIGHTS q6
        WEIGHTS q7 1
        NEXT_ROW
        subs    r5, r5, #4
1:
        X       q0 0 \whole
        vmladav.s16 r0, q2, q0
        X       q1 1 \whole
        vmladava.s16 r0, q3, q1
        str     r2, [r5], #4
        vmladav.s16 r2, q5, q0
        X       q0 2 \whole
        vmladava.s16 r0, q4, q0
        NEXT_PATCH \whole
        vmladava.s16 r2, q6, q1
        str     r0, [r3], #4
        vmladava.s16 r2, q7, q0
        le      lr, 1b
        str     r2, [r5]
        b       .Lresults
        .endm

        /* A patch's sum to \sum; after its second product `store` of another one's */
        .macro  PATCH vectors whole sum store:vararg
        X       q0 0 \whole
        vmladav.s16 \sum, q2, q0
        X       q1 1 \whole
        vmladava.s16 \sum, q3, q1
        X       q0 2 \whole
        \store
        vmladava.s16 \sum, q4, q0
        X       q1 3 \whole
        vmladava.s16 \sum, q5, q1
        .if     \vectors > 4
        X       q0 4 \whole
        vmladava.s16 \sum, q6, q0
        .endif
        .if     \vectors > 5
        X       q1 5 \whole
        vmladava.s16 \sum, q7, q1
        .endif
        NEXT_PATCH \whole
        .endm

        /* Two patches at a time, the last one with what stands after it: rows of sums are even. */
        .macro  MORE_VECTORS vectors whole
        WEIGHTS q2
        WEIGHTS q3
        WEIGHTS q4
        .if     \vectors == 4
        WEIGHTS q5 1
        .else
        WEIGHTS q5
        .endif
        .if     \vectors == 5
        WEIGHTS q6 1
        .elseif \vectors == 6
        WEIGHTS q6
        WEIGHTS q7 1
        .endif
        NEXT_ROW
        adds    r0, lr, #1
        lsrs    r0, r0, #1
        dls     lr, r0
1:
        PATCH   \vectors \whole r0 str r2, [r3, #-4]
        PATCH   \vectors \whole r2 str r0, [r3], #8
        le      lr, 1b
        str     r2, [r3, #-4]
        b       .Lresults
        .endm

/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/layout.h"
#include "move.h"

void cs_ring_s16(int16_t *history, int16_t *place, const int16_t *x, uint32_t rows, uint32_t frames, uint32_t size)
{
    const uint32_t oldest = (uint32_t)*place;
    int16_t *to = history + oldest * size;

    for (; rows > 0; rows--, to += frames * size, x += size) {
        cs_move(to, x, 2 * size);
    }
    *place = (int16_t)(oldest + 1 == frames ? 0 : oldest + 1);
}

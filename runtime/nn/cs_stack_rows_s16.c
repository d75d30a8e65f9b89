/* SPDX-License-Identifier: Apache-2.0 */
#include "codesign/conv.h"
#include "move.h"

static int16_t *zeros(int16_t *y, uint32_t count)
{
    for (; count > 0; count--) {
        *y++ = 0;
    }
    return y;
}

void cs_stack_rows_s16(const int16_t *x, uint32_t channels, uint32_t size, uint32_t neighbours, uint32_t before, int16_t *y)
{
    for (uint32_t c = 0; c < channels; c++, x += size) {
        for (uint32_t j = 0; j < neighbours; j++) {
            const uint32_t first = j < before ? before - j : 0, last = j > before ? j - before : 0;
            const uint32_t count = size - (first > last ? first : last);

            y = zeros(y, first);
            cs_move(y, x + last, 2 * count);
            y = zeros(y + count, last);
        }
    }
}

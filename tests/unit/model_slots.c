/* SPDX-License-Identifier: Apache-2.0 */
/* A flash of two partitions whose power can be cut between any two of its steps, for tests of app/src/model_slots.c. */
#include <errno.h>
#include <string.h>

#include "model_slots.h"

#define SIZE 2048u
#define PAGE 256u
#define ADDRESS(slot) (0x48000u + (uint32_t)(slot) * 0x58000u)

static _Alignas(8) uint8_t flash[MODEL_SLOTS][SIZE];
static long power; /* steps that are left */

static int erase(int slot)
{
    for (uint32_t page = 0; page < SIZE; page += PAGE) {
        if (power-- <= 0) {
            return -EIO;
        }
        memset(flash[slot] + page, 0xFF, PAGE);
    }
    return 0;
}

static int write(int slot, uint32_t offset, const void *data, size_t size)
{
    for (size_t n = 0; n < size; n += 4) {
        if (power-- <= 0) {
            return -EIO;
        }
        for (size_t byte = n; byte < n + 4; byte++) {
            flash[slot][offset + byte] &= ((const uint8_t *)data)[byte]; /* a flash's ones become zeros only */
        }
    }
    return 0;
}

static struct model_slots slots = {
    .at = {flash[0], flash[1]},
    .address = {ADDRESS(0), ADDRESS(1)},
    .size = SIZE,
    .erase = erase,
    .write = write,
    .shape = {16000, 1, 64, 64, 64, 0, 0, 32768, "dsp float32"},
    .memory = 4096,
    .stack = 512,
};

void blank(void)
{
    memset(flash, 0xFF, sizeof(flash));
}

void put(int slot, const uint8_t *data, size_t size)
{
    memset(flash[slot], 0xFF, SIZE);
    memcpy(flash[slot], data, size);
}

void flip(int slot, uint32_t bit)
{
    flash[slot][bit / 8] ^= (uint8_t)(1u << bit % 8);
}

int state(int slot)
{
    return (int)model_state(&slots, slot);
}

int newest(void)
{
    return model_newest(&slots);
}

uint32_t generation(int slot)
{
    return model_header(&slots, slot)->generation;
}

/* A whole update in lines of `line` bytes with so many steps of power; what finish says, or -1 when something before it failed. */
int update(const uint8_t *data, size_t size, size_t line, long steps)
{
    struct model_update under_way;

    power = steps;
    if (model_update_begin(&slots, &under_way) != 0) {
        return -1;
    }
    for (uint32_t at = 0; at < size; at += (uint32_t)line) {
        const size_t some = size - at < line ? size - at : line;

        if (model_update_write(&slots, &under_way, at, data + at, some) != 0 ||
            model_update_write(&slots, &under_way, at, data + at, some) != 0) { /* what came twice is taken once */
            return -1;
        }
    }
    return model_update_finish(&slots, &under_way);
}

/* Lines that are not in order, not whole words, too many, after the end: the errno's of each, then what finish says. */
void disorder(const uint8_t *data, int *results)
{
    struct model_update under_way = {.slot = NO_SLOT};

    power = 1000000;
    results[0] = model_update_write(&slots, &under_way, 0, data, 64);
    (void)model_update_begin(&slots, &under_way);
    results[1] = model_update_write(&slots, &under_way, 64, data, 64);
    results[2] = model_update_write(&slots, &under_way, 0, data, 63);
    results[3] = model_update_write(&slots, &under_way, 0, data, SIZE + 4);
    results[4] = model_update_write(&slots, &under_way, 0, data, 64);
    results[5] = model_update_write(&slots, &under_way, 32, data, 64);
    results[6] = model_update_finish(&slots, &under_way);
    results[7] = model_update_finish(&slots, &under_way);
}

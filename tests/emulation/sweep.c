/* SPDX-License-Identifier: Apache-2.0 */
/* Many calls in one: an emulator that takes a moment to start is started once. */
#include <stdint.h>

typedef struct job {
    uint32_t (*function)(uint32_t, uint32_t, uint32_t, uint32_t, uint32_t);
    uint32_t arguments[5];
} job;

void sweep(const job *jobs, uint32_t count);

void sweep(const job *jobs, uint32_t count)
{
    for (; count > 0; count--, jobs++) {
        const uint32_t *a = jobs->arguments;

        jobs->function(a[0], a[1], a[2], a[3], a[4]);
    }
}

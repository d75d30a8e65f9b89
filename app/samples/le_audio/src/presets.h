/* SPDX-License-Identifier: Apache-2.0 */
/* Presets of the Hearing Access Service as programs of the enhancement: preset n is program n - 1, because 0 is no preset. */
#ifndef PRESETS_H
#define PRESETS_H

#include <stdbool.h>
#include <stdint.h>

#include "codesign_model.h"

#ifdef CODESIGN_MODEL_PROGRAMS
#define PRESETS CODESIGN_MODEL_PROGRAMS
#else
#define PRESETS 1 /* the chain's own settings */
#endif

/* The program of a preset, 0 ... PRESETS - 1, or -EINVAL where there is no such preset. */
int preset_program(uint8_t preset);

/* The preset that is heard at first. */
uint8_t preset_first(void);

/* What a preset is called: at most 40 bytes of UTF-8, as the service has them. NULL where there is no such preset. */
const char *preset_name(uint8_t preset);

/* Hear a preset, by `choose`, which takes its program and gives 0 or a negative errno. -EINVAL where there is no such
 * preset. */
int preset_select(uint8_t preset, int (*choose)(int program));

#endif

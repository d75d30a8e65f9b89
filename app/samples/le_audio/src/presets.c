/* SPDX-License-Identifier: Apache-2.0 */
#include "presets.h"

#include <errno.h>
#include <stddef.h>

static const char *const names[PRESETS] = {
	"Universal",
#ifdef CODESIGN_MODEL_PROGRAM_NAMES
	CODESIGN_MODEL_PROGRAM_NAMES,
#endif
};

int preset_program(uint8_t preset)
{
	return preset >= 1 && preset <= PRESETS ? preset - 1 : -EINVAL;
}

uint8_t preset_first(void)
{
#ifdef CODESIGN_MODEL_PROGRAM
	return CODESIGN_MODEL_PROGRAM + 1;
#else
	return 1;
#endif
}

const char *preset_name(uint8_t preset)
{
	const int program = preset_program(preset);

	return program < 0 ? NULL : names[program];
}

int preset_select(uint8_t preset, int (*choose)(int program))
{
	const int program = preset_program(preset);

	return program < 0 ? program : choose(program);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <zephyr/ztest.h>

#include "codesign_model.h"
#include "presets.h"
#include "program.h"

static uint8_t memory[CODESIGN_MODEL_MEMORY_BYTES] __aligned(8);

static int choose(int program)
{
	return program_set(memory, program);
}

static void before(void *fixture)
{
	ARG_UNUSED(fixture);
	zassert_equal(cs_enhancer_init(&CODESIGN_MODEL, memory, sizeof(memory)), CS_OK);
}

ZTEST_SUITE(presets, NULL, NULL, before, NULL, NULL);

ZTEST(presets, test_each_preset_is_a_program_of_its_own)
{
	zassert_equal(PRESETS, 3);
	for (uint8_t preset = 1; preset <= PRESETS; preset++) {
		zassert_equal(preset_program(preset), preset - 1);
		zassert_equal(preset_select(preset, choose), 0);
		zassert_equal(codesign_program(memory), preset - 1);
	}
}

ZTEST(presets, test_the_first_preset_is_what_is_heard_at_first)
{
	zassert_equal(preset_program(preset_first()), (int)codesign_program(memory));
}

ZTEST(presets, test_another_preset_is_refused_and_changes_nothing)
{
	static const uint8_t others[] = {0, PRESETS + 1, 22, UINT8_MAX};

	zassert_equal(preset_select(2, choose), 0);
	for (size_t n = 0; n < ARRAY_SIZE(others); n++) {
		zassert_equal(preset_select(others[n], choose), -EINVAL);
		zassert_is_null(preset_name(others[n]));
		zassert_equal(codesign_program(memory), 1);
	}
}

ZTEST(presets, test_names_are_the_programs_and_fit_the_service)
{
	zassert_equal(strcmp(preset_name(1), "Universal"), 0);
	zassert_equal(strcmp(preset_name(2), "Restaurant"), 0);
	zassert_equal(strcmp(preset_name(3), "Music"), 0);
	for (uint8_t preset = 1; preset <= PRESETS; preset++) {
		zassert_true(strlen(preset_name(preset)) <= 40);
	}
}

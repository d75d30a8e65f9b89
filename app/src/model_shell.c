/* SPDX-License-Identifier: Apache-2.0 */
/* codesign_model show|begin|write|finish on the shell: a network comes in as lines of text, each with a check value. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zephyr/shell/shell.h>

#include "check.h"
#include "console.h"
#include "model_flash.h"

#define LONGEST 96

static int answered(const struct shell *sh, int result)
{
	ARG_UNUSED(sh);
	k_msleep(20); /* the echo goes through a buffer of the shell's */
	console_update(result > 0 ? model_states[result] : result < 0 ? "refused" : "ok", result < 0 ? -result : 0,
		       model_flash_next());
	return result == 0 ? 0 : -EINVAL;
}

static int show(const struct shell *sh, size_t argc, char **argv)
{
	ARG_UNUSED(sh);
	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	k_msleep(20);
	model_flash_say();
	return 0;
}

static int begin(const struct shell *sh, size_t argc, char **argv)
{
	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	return answered(sh, model_flash_begin());
}

static int write(const struct shell *sh, size_t argc, char **argv)
{
	static uint8_t data[LONGEST] __aligned(4);
	char *end;
	const uint32_t offset = strtoul(argv[1], NULL, 10);
	const size_t size = hex2bin(argv[2], strlen(argv[2]), data, sizeof(data));
	const uint32_t check = strtoul(argv[3], &end, 16);

	ARG_UNUSED(argc);
	if (size == 0 || end != argv[3] + 8 || check != check_value(check_value(0, argv[1], strlen(argv[1])), data, size)) {
		return answered(sh, -EILSEQ);
	}
	return answered(sh, model_flash_write(offset, data, size));
}

static int finish(const struct shell *sh, size_t argc, char **argv)
{
	ARG_UNUSED(argc);
	ARG_UNUSED(argv);
	return answered(sh, model_flash_finish());
}

SHELL_STATIC_SUBCMD_SET_CREATE(commands, SHELL_CMD_ARG(show, NULL, "what the partitions hold", show, 1, 0),
			       SHELL_CMD_ARG(begin, NULL, "erase the partition that does not run", begin, 1, 0),
			       SHELL_CMD_ARG(write, NULL, "OFFSET HEX CRC: the next bytes", write, 4, 0),
			       SHELL_CMD_ARG(finish, NULL, "check it; it runs from the next start on", finish, 1, 0),
			       SHELL_SUBCMD_SET_END);
SHELL_CMD_REGISTER(codesign_model, &commands, "networks in partitions", NULL);

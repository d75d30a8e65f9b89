/* SPDX-License-Identifier: Apache-2.0 */
#include <zephyr/dfu/mcuboot.h>
#include <zephyr/kernel.h>

#include "confirm.h"
#include "console.h"

static void confirm(struct k_work *work)
{
	ARG_UNUSED(work);
	if (!boot_is_img_confirmed()) {
		const int err = boot_write_img_confirmed();

		if (err != 0) {
			console_error("confirm", err);
		}
	}
}

static K_WORK_DEFINE(confirming, confirm);

void confirm_image(void)
{
	(void)k_work_submit(&confirming);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Hearing Access Profile, role of the hearing aid: HAS with the presets, and what a phone must find to speak to it: PACS and
 * ASCS with one sink, though no stream is played here. Only a bonded phone may choose.
 */
#include "has.h"

#include <errno.h>
#include <zephyr/bluetooth/audio/audio.h>
#include <zephyr/bluetooth/audio/bap.h>
#include <zephyr/bluetooth/audio/has.h>
#include <zephyr/bluetooth/audio/pacs.h>
#include <zephyr/bluetooth/bluetooth.h>
#include <zephyr/bluetooth/conn.h>
#include <zephyr/bluetooth/uuid.h>
#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include "presets.h"
#include "worker.h"

BUILD_ASSERT(PRESETS <= CONFIG_BT_HAS_PRESET_COUNT, "more programs than presets: raise CONFIG_BT_HAS_PRESET_COUNT");

static int choose(uint8_t preset, bool synchronize)
{
	ARG_UNUSED(synchronize);
	const int err = preset_select(preset, worker_program);

	printk("preset %u: %d\n", preset, err);
	return err == -ENOTSUP && preset == 1 ? 0 : err; /* a chain without programs is all there is */
}

static const struct bt_has_preset_ops ops = {.select = choose};

static const struct bt_le_adv_param advertising = BT_LE_ADV_PARAM_INIT(BT_LE_ADV_OPT_CONN, BT_GAP_ADV_FAST_INT_MIN_2,
								       BT_GAP_ADV_FAST_INT_MAX_2, NULL);

static const struct bt_data data[] = {
	BT_DATA_BYTES(BT_DATA_FLAGS, BT_LE_AD_GENERAL | BT_LE_AD_NO_BREDR),
	BT_DATA_BYTES(BT_DATA_UUID16_ALL, BT_UUID_16_ENCODE(BT_UUID_HAS_VAL), BT_UUID_16_ENCODE(BT_UUID_ASCS_VAL)),
	BT_DATA(BT_DATA_NAME_COMPLETE, CONFIG_BT_DEVICE_NAME, sizeof(CONFIG_BT_DEVICE_NAME) - 1),
};

static void advertise(struct k_work *work)
{
	ARG_UNUSED(work);
	const int err = bt_le_adv_start(&advertising, data, ARRAY_SIZE(data), NULL, 0);

	if (err != 0 && err != -EALREADY) {
		printk("advertising: %d\n", err);
	}
}

static K_WORK_DELAYABLE_DEFINE(again, advertise);

static void recycled(void)
{
	(void)k_work_reschedule(&again, K_NO_WAIT);
}

BT_CONN_CB_DEFINE(callbacks) = {.recycled = recycled};

static int presets_register(void)
{
	for (uint8_t preset = 1; preset <= PRESETS; preset++) {
		const struct bt_has_preset_register_param parameters = {
			.index = preset,
			.properties = BT_HAS_PROP_AVAILABLE,
			.name = preset_name(preset),
			.ops = &ops,
		};
		const int err = bt_has_preset_register(&parameters);

		if (err != 0) {
			return err;
		}
	}
	return bt_has_preset_active_set(preset_first());
}

int has_start(void)
{
	const struct bt_pacs_register_param capabilities = {.snk_pac = true, .snk_loc = true};
	const struct bt_bap_unicast_server_register_param streams = {.snk_cnt = CONFIG_BT_ASCS_MAX_ASE_SNK_COUNT};
	const struct bt_has_features_param features = {.type = BT_HAS_HEARING_AID_TYPE_MONAURAL};
	int err = bt_enable(NULL);

	if (err == 0) {
		err = bt_pacs_register(&capabilities);
	}
	if (err == 0) {
		err = bt_bap_unicast_server_register(&streams);
	}
	if (err == 0) {
		err = bt_pacs_set_location(BT_AUDIO_DIR_SINK, BT_AUDIO_LOCATION_FRONT_LEFT);
	}
	if (err == 0) {
		err = bt_has_register(&features);
	}
	if (err == 0) {
		err = presets_register();
	}
	if (err == 0) {
		recycled();
	}
	return err;
}

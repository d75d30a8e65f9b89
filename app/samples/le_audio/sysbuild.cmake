# SPDX-License-Identifier: Apache-2.0
# The network core's image: Zephyr's controller, which the host on the application core speaks to. With the roles of a peripheral alone:
# that of all roles is too large for the core's flash without link-time optimization.
if(SB_CONFIG_NET_CORE_BOARD)
  set(controller ${ZEPHYR_BASE}/samples/bluetooth/hci_ipc)
  ExternalZephyrProject_Add(APPLICATION hci_ipc SOURCE_DIR ${controller} BOARD ${SB_CONFIG_NET_CORE_BOARD})
  set(hci_ipc_CONF_FILE ${controller}/nrf5340_cpunet_iso_peripheral-bt_ll_sw_split.conf CACHE INTERNAL "")
endif()

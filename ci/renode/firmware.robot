*** Settings ***
Documentation     The flashed image on a virtual board: it boots, keeps its deadlines with sound going through its I2S, answers on
...               its shell and comes back after faults.
...               renode-test --variable BOARD:nrf5340dk --variable ELF:build/zephyr/zephyr.elf ci/renode/firmware.robot
Resource          ${RENODEKEYWORDS}
Suite Setup       Setup
Suite Teardown    Teardown
Test Setup        Boot
Test Teardown     Test Teardown

*** Variables ***
${BOARD}          nrf5340dk
${ELF}            ${CURDIR}/../../build/zephyr/zephyr.elf
${LINE}           @codesign 2

*** Test Cases ***
Says What It Is
    Wait For Line On Uart       ${LINE} ready model=\\w+ sha=[0-9a-f]{12} rate=16000 .* audio=i2s    treatAsRegex=true
    Wait For Line On Uart       ${LINE} state running=1 bypass=0

Keeps Its Deadlines
    Run For                     3
    Ask                         stats
    Wait For Line On Uart       ${LINE} stats captured=1\\d\\d .* late=0 busy=0 unplayed=0 underruns=0 overruns=0 stalls=0 restarts=0    treatAsRegex=true

Leaves No Block Behind
    Run For                     1
    Ask                         stop
    Wait For Line On Uart       ${LINE} state running=0
    Ask                         stats
    Wait For Line On Uart       ${LINE} stats .* blocks=0    treatAsRegex=true

Comes Back When The Bit Clock Does
    Run For                     1
    Execute Command             i2s0 ClockStopped true
    Run For                     0.5
    Execute Command             i2s0 ClockStopped false
    Run For                     0.5
    Ask                         stats
    Wait For Line On Uart       ${LINE} stats .* stalls=[1-9]\\d* restarts=[1-9]    treatAsRegex=true
    Ask                         reset
    Run For                     1
    Ask                         stats
    Wait For Line On Uart       ${LINE} stats captured=[1-9]\\d .* stalls=0 restarts=0    treatAsRegex=true

Bypasses On Request
    Run For                     0.5
    Ask                         bypass on
    Wait For Line On Uart       ${LINE} state running=1 bypass=1

Touches Nothing That Is Not There
    Create Log Tester           0
    Run For                     2
    Should Not Be In Log        non existing peripheral

*** Keywords ***
Boot
    Reset Emulation
    Execute Command             $elf=@${ELF}
    Execute Command             include @${CURDIR}/../../boards/${BOARD}/${BOARD}.resc
    Create Terminal Tester      sysbus.uart0    timeout=20

Run For
    [Arguments]                 ${seconds}
    Execute Command             pause    # waiting for a line has left it running
    Execute Command             emulation RunFor "${seconds}"

Ask
    [Arguments]                 ${line}
    Write Line To Uart          codesign ${line}    waitForEcho=false

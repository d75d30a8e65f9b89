/* SPDX-License-Identifier: Apache-2.0 */
// Pulse density modulation interface of the nRF5340: its product specification, "PDM", and the structure NRF_PDM_Type of
// Nordic's nrf5340_application.h. What comes in is a file of 16-bit samples as the decimation filter of the part would leave them
// in memory: little-endian, left and right interleaved where MODE asks for both. Bits of a microphone are not modelled, and the
// gains are not applied: the default, 0x28, is 0 dB.
//
// SAMPLE.PTR and MAXCNT (samples of either channel) are latched at START and again when so many were written; STARTED says
// that the next pointer may be set, END that the latched buffer is full. Time is virtual: PDM_CLK is
// source / floor(2^32 / PDMCLKCTRL), the source PCLK32M or ACLK by MCLKCONFIG, and a sample takes 64 or 80 of it by RATIO.
using System;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Miscellaneous;
using Antmicro.Renode.Peripherals.Timers;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.Sound
{
    public class NRF_PDM : NRF_Peripheral, IDisposable
    {
        // audioClock: address of the CLOCK peripheral that has HFCLKAUDIO.
        public NRF_PDM(IMachine machine, ulong audioClock)
        {
            this.machine = machine;
            this.audioClock = audioClock;
            period = new LimitTimer(machine.ClockSource, PeripheralClock, this, "period", 1, Direction.Ascending, false,
                                    WorkMode.Periodic, true);
            period.LimitReached += delegate { Complete(); };
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            Halt();
            registers[ClockControl / 4] = 0x08400000;
            registers[GainLeft / 4] = 0x28;
            registers[GainRight / 4] = 0x28;
        }

        public void Dispose()
        {
            files.Dispose();
        }

        protected override void Write(long offset, uint value)
        {
            switch(offset)
            {
            case TaskStart:
                if(value != 0)
                {
                    Start();
                }
                break;
            case TaskStop:
                if(value != 0)
                {
                    Stop();
                }
                break;
            case Enable:
                registers[offset / 4] = value;
                if(value == 0)
                {
                    Halt();
                }
                break;
            default:
                registers[offset / 4] = value;
                break;
            }
        }

        // What comes in; silence without a file and after its end.
        public string InputFile
        {
            set { files.OpenInput(value); }
        }

        // Fault injection: the clock of the microphones stands still.
        public bool ClockStopped
        {
            get { return clockStopped; }

            set
            {
                clockStopped = value;
                period.Enabled = started && !value;
            }
        }

        // Buffers that were received since reset.
        public uint Buffers { get; private set; }

        private void Start()
        {
            if((registers[Enable / 4] & 1) == 0)
            {
                this.Log(LogLevel.Error, "START while disabled: ignored");
                return;
            }
            var source = PeripheralClock;
            if((registers[MasterClock / 4] & 1) != 0 && !AudioClock(out source))
            {
                this.Log(LogLevel.Warning, "START with ACLK, which does not run: no clock, no data");
                return;
            }
            samples = registers[MaximumCount / 4] & 0x7FFF;
            if(samples == 0)
            {
                this.Log(LogLevel.Error, "START with SAMPLE.MAXCNT 0: ignored");
                return;
            }
            var divider = (1ul << 32) / Math.Max(1, registers[ClockControl / 4]);
            var ratio = (registers[Ratio / 4] & 1) != 0 ? 80ul : 64ul;
            var channels = (registers[Mode / 4] & 1) != 0 ? 1u : 2u;
            period.Frequency = source;
            period.Limit = Math.Max(1, divider * ratio * (samples / channels));
            period.ResetValue();
            this.Log(LogLevel.Info, "{0} samples a buffer, {1} channels, {2:0.##} Hz", samples, channels,
                     (double)source / (divider * ratio));
            started = true;
            Latch();
            period.Enabled = !clockStopped;
        }

        private void Stop()
        {
            if(started)
            {
                Transfer((uint)(period.Value * samples / period.Limit));
            }
            Halt();
            registers[EventStopped / 4] = 1;
        }

        private void Halt()
        {
            period.Enabled = false;
            started = false;
        }

        private void Complete()
        {
            Transfer(samples);
            Buffers++;
            registers[EventEnd / 4] = 1;
            Latch();
            Update();
        }

        private void Latch()
        {
            pointer = registers[Pointer / 4];
            registers[EventStarted / 4] = 1;
        }

        private void Transfer(uint count)
        {
            machine.SystemBus.WriteBytes(files.Read(2 * (int)count), pointer);
        }

        private bool AudioClock(out ulong frequency)
        {
            // f = 32 MHz / 12 * (4 + FREQUENCY / 2^16): nRF5340 product specification, HFCLKAUDIO.FREQUENCY
            var setting = machine.SystemBus.ReadDoubleWord(audioClock + AudioFrequency) & 0xFFFF;
            frequency = (ulong)Math.Round(PeripheralClock / 12.0 * (4 + setting / 65536.0));
            return (machine.SystemBus.ReadDoubleWord(audioClock + AudioStatus) & (1u << 16)) != 0;
        }

        private readonly IMachine machine;
        private readonly ulong audioClock;
        private readonly LimitTimer period;
        private readonly AudioFiles files = new AudioFiles();
        private bool clockStopped;
        private bool started;
        private uint samples;
        private ulong pointer;

        private const ulong PeripheralClock = 32000000;

        private const long TaskStart = 0x000;
        private const long TaskStop = 0x004;
        private const long EventStarted = 0x100;
        private const long EventStopped = 0x104;
        private const long EventEnd = 0x108;
        private const long Enable = 0x500;
        private const long ClockControl = 0x504; // PDMCLKCTRL
        private const long Mode = 0x508;
        private const long GainLeft = 0x518;
        private const long GainRight = 0x51C;
        private const long Ratio = 0x520;
        private const long MasterClock = 0x54C; // MCLKCONFIG
        private const long Pointer = 0x560;
        private const long MaximumCount = 0x564;
        private const ulong AudioStatus = 0x454; // of CLOCK
        private const ulong AudioFrequency = 0x55C;
    }
}

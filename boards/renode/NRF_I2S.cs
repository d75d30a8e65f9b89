/* SPDX-License-Identifier: Apache-2.0 */
// I2S with EasyDMA of the nRF52840 and nRF5340: their product specifications, "I2S". In and out are files of raw slots, as
// they lie in memory: little-endian, interleaved.
//
// Pointers are latched at START and again every MAXCNT words; the events say that they may be written anew. A received
// buffer is there, and a sent one is free, when the next one is latched. Time is virtual: frames at
// source / divider / RATIO, where the divider comes from MCKFREQ and the source is PCLK32M, or ACLK by CONFIG.CLKCONFIG.
using System;
using System.Linq;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Miscellaneous;
using Antmicro.Renode.Peripherals.Timers;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.Sound
{
    public class NRF_I2S : NRF_Peripheral, IDisposable
    {
        // audioClock: address of the CLOCK peripheral that has HFCLKAUDIO, 0 without one.
        public NRF_I2S(IMachine machine, ulong audioClock = 0)
        {
            this.machine = machine;
            this.audioClock = audioClock;
            period = new LimitTimer(machine.ClockSource, PeripheralClock, this, "period", 1, Direction.Ascending, false,
                                    WorkMode.Periodic, true);
            period.LimitReached += delegate { Complete(); };
            PeriodPercent = 100;
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            Halt();
            registers[MasterClockFrequency / 4] = 0x20000000;
            registers[Ratio / 4] = 6;
            registers[SampleWidth / 4] = 1;
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
                if(value == 0 && started)
                {
                    this.Log(LogLevel.Warning, "disabled while it runs");
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

        // What goes out; an existing file is replaced.
        public string OutputFile
        {
            set { files.OpenOutput(value); }
        }

        // Fault injection: the bit clock stands still, as when a codec that makes it stops.
        public bool ClockStopped
        {
            get { return clockStopped; }

            set
            {
                clockStopped = value;
                period.Enabled = started && !value;
            }
        }

        // Fault injection: 50 lets blocks come and go twice as fast as the registers say.
        public uint PeriodPercent { get; set; }

        // Buffers that were received and sent since reset.
        public uint Buffers { get; private set; }

        private void Start()
        {
            if((registers[Enable / 4] & 1) == 0)
            {
                this.Log(LogLevel.Error, "START while disabled: ignored");
                return;
            }
            ulong source;
            if(!Source(out source))
            {
                this.Log(LogLevel.Warning, "START with ACLK, which does not run: no clock, no data");
                return;
            }
            var divider = 0x100000000ul / Math.Max(1, registers[MasterClockFrequency / 4]);
            if((registers[ClockConfiguration / 4] & (1u << 8)) != 0)
            {
                divider = 1; // BYPASS: MCK is the source
            }
            var ratio = Ratios[Math.Min(registers[Ratio / 4] & 0xF, (uint)Ratios.Length - 1)];
            frameBytes = SlotBytes() * ((registers[Channels / 4] & 3) == 0 ? 2u : 1u);
            bufferBytes = 4 * (registers[MaximumCount / 4] & 0x3FFF);
            if(bufferBytes < frameBytes)
            {
                this.Log(LogLevel.Error, "START with RXTXD.MAXCNT {0}: ignored", registers[MaximumCount / 4]);
                return;
            }
            period.Frequency = source;
            period.Limit = Math.Max(1, divider * ratio * (bufferBytes / frameBytes) * PeriodPercent / 100);
            period.ResetValue();
            this.Log(LogLevel.Info, "{0} bytes a buffer, {1} a frame, {2:0.##} Hz", bufferBytes, frameBytes,
                     (double)source / (divider * ratio));
            started = true;
            Latch();
            period.Enabled = !clockStopped;
        }

        private void Stop()
        {
            if(started)
            {
                var frames = (uint)(period.Value * (bufferBytes / frameBytes) / period.Limit);
                Transfer(frames * frameBytes);
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
            Transfer(bufferBytes);
            Buffers++;
            Latch();
            Update();
        }

        private void Latch()
        {
            if(Receives)
            {
                receivePointer = registers[ReceivePointer / 4];
                registers[EventReceivePointer / 4] = 1;
            }
            if(Sends)
            {
                sendPointer = registers[SendPointer / 4];
                registers[EventSendPointer / 4] = 1;
                sending = machine.SystemBus.ReadBytes(sendPointer, (int)bufferBytes);
            }
        }

        private void Transfer(uint bytes)
        {
            if(Receives)
            {
                machine.SystemBus.WriteBytes(files.Read((int)bytes), receivePointer);
            }
            if(Sends)
            {
                var data = machine.SystemBus.ReadBytes(sendPointer, (int)bytes);
                if(!data.SequenceEqual(sending.Take((int)bytes)))
                {
                    this.Log(LogLevel.Error, "the buffer at 0x{0:X8} changed while it was sent", sendPointer);
                }
                files.Write(data);
                files.Flush();
            }
        }

        private bool Source(out ulong frequency)
        {
            frequency = PeripheralClock;
            if(audioClock == 0 || (registers[ClockConfiguration / 4] & 1) == 0)
            {
                return true;
            }
            // f = 32 MHz / 12 * (4 + FREQUENCY / 2^16): nRF5340 product specification, HFCLKAUDIO.FREQUENCY
            var setting = machine.SystemBus.ReadDoubleWord(audioClock + AudioFrequency) & 0xFFFF;
            frequency = (ulong)Math.Round(PeripheralClock / 12.0 * (4 + setting / 65536.0));
            return (machine.SystemBus.ReadDoubleWord(audioClock + AudioStatus) & (1u << 16)) != 0;
        }

        private uint SlotBytes()
        {
            var width = registers[SampleWidth / 4] & 7;
            return audioClock == 0 ? 1u << (int)Math.Min(width, 2) : SlotBytes53[width];
        }

        private bool Receives { get { return (registers[ReceiveEnable / 4] & 1) != 0; } }

        private bool Sends { get { return (registers[SendEnable / 4] & 1) != 0; } }

        private readonly IMachine machine;
        private readonly ulong audioClock;
        private readonly LimitTimer period;
        private readonly AudioFiles files = new AudioFiles();
        private bool clockStopped;
        private bool started;
        private uint frameBytes;
        private uint bufferBytes;
        private ulong receivePointer;
        private ulong sendPointer;
        private byte[] sending;

        private const ulong PeripheralClock = 32000000;
        private static readonly uint[] Ratios = { 32, 48, 64, 96, 128, 192, 256, 384, 512 };
        private static readonly uint[] SlotBytes53 = { 1, 2, 4, 4, 2, 4, 4, 4 }; // SWIDTH: 8, 16, 24, 32, 8 in 16, … in 32

        private const long TaskStart = 0x000;
        private const long TaskStop = 0x004;
        private const long EventReceivePointer = 0x104;
        private const long EventStopped = 0x108;
        private const long EventSendPointer = 0x114;
        private const long Enable = 0x500;
        private const long ReceiveEnable = 0x508;
        private const long SendEnable = 0x50C;
        private const long MasterClockFrequency = 0x514;
        private const long Ratio = 0x518;
        private const long SampleWidth = 0x51C;
        private const long Channels = 0x528;
        private const long ClockConfiguration = 0x52C;
        private const long ReceivePointer = 0x538;
        private const long SendPointer = 0x540;
        private const long MaximumCount = 0x550;
        private const ulong AudioStatus = 0x454; // of CLOCK
        private const ulong AudioFrequency = 0x55C;
    }
}

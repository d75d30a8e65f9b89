/* SPDX-License-Identifier: Apache-2.0 */
// CLOCK, POWER and RESET of the nRF5340's application core, which share one page: nRF5340 product specification, "CLOCK".
// What upstream's NRF_CLOCK lacks is the audio clock: its task, event, status and frequency.
using System;
using System.Linq;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals;
using Antmicro.Renode.Peripherals.Bus;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public class NRF_Clock : IDoubleWordPeripheral, IKnownSize
    {
        public NRF_Clock(IMachine machine)
        {
            IRQ = new GPIO();
            Reset();
        }

        public void Reset()
        {
            registers = new uint[Size / 4];
            running = new bool[4];
            enabled = 0;
            audioClockWanted = false;
            IRQ.Unset();
        }

        public uint ReadDoubleWord(long offset)
        {
            for(var n = 0; n < running.Length; n++)
            {
                if(offset == Status[n])
                {
                    return running[n] ? (1u << 16) | (n == LowFrequency ? registers[LowFrequencySource / 4] : 1u) : 0;
                }
                if(offset == Status[n] - 4)
                {
                    return running[n] ? 1u : 0;
                }
            }
            return offset == InterruptSet || offset == InterruptClear ? enabled : registers[offset / 4];
        }

        public void WriteDoubleWord(long offset, uint value)
        {
            for(var n = 0; n < running.Length; n++)
            {
                if(offset == Tasks[n] && value != 0)
                {
                    Start(n);
                }
                if(offset == Tasks[n] + 4 && value != 0)
                {
                    running[n] = false;
                    audioClockWanted &= n != Audio;
                }
            }
            if(offset == InterruptSet)
            {
                enabled |= value;
            }
            else if(offset == InterruptClear)
            {
                enabled &= ~value;
            }
            else
            {
                registers[offset / 4] = value;
            }
            Update();
        }

        // Fault injection: the audio clock does not start as long as this is set.
        public bool AudioClockFails
        {
            get { return audioClockFails; }

            set
            {
                audioClockFails = value;
                if(!value && audioClockWanted)
                {
                    Start(Audio);
                    Update();
                }
            }
        }

        public GPIO IRQ { get; private set; }

        public long Size { get { return 0x1000; } }

        private void Start(int clock)
        {
            audioClockWanted |= clock == Audio;
            if(clock == Audio && audioClockFails)
            {
                this.Log(LogLevel.Info, "audio clock asked for; it fails, as told");
                return;
            }
            running[clock] = true;
            registers[Events[clock] / 4] = 1;
        }

        private void Update()
        {
            var pending = false;
            for(var n = 0; n < running.Length; n++)
            {
                pending |= registers[Events[n] / 4] != 0 && (enabled & (1u << InterruptBits[n])) != 0;
            }
            IRQ.Set(pending);
        }

        private uint[] registers;
        private bool[] running;
        private uint enabled;
        private bool audioClockFails;
        private bool audioClockWanted;

        // In the order HFCLK, LFCLK, HFCLKAUDIO, HFCLK192M. Each stop task follows its start task, each RUN is before its STAT.
        private const int LowFrequency = 1;
        private const int Audio = 2;
        private static readonly long[] Tasks = { 0x000, 0x008, 0x018, 0x020 };
        private static readonly long[] Events = { 0x100, 0x104, 0x120, 0x124 };
        private static readonly long[] Status = { 0x40C, 0x418, 0x454, 0x45C };
        private static readonly int[] InterruptBits = { 0, 1, 8, 9 };
        private const long LowFrequencySource = 0x518;
        private const long InterruptSet = 0x304;
        private const long InterruptClear = 0x308;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
// CLOCK, POWER and RESET of the nRF5340's application core, which share one page: nRF5340 product specification, "CLOCK".
// What upstream's NRF_CLOCK lacks is the audio clock, its task, event, status and frequency, and the core's: HFCLKCTRL, by which it
// runs at 128 MHz or, as after reset, at half of that.
using System;

using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.CPU;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public class NRF_Clock : NRF_Peripheral
    {
        public NRF_Clock(BaseCPU cpu, NRF_CycleCounter cycles)
        {
            this.cpu = cpu;
            this.cycles = cycles;
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            Array.Clear(running, 0, running.Length);
            audioClockWanted = false;
            registers[CoreClock / 4] = Halved;
            SetSpeed();
        }

        protected override uint Read(long offset)
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
            return base.Read(offset);
        }

        protected override void Write(long offset, uint value)
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
            base.Write(offset, value);
            if(offset == CoreClock)
            {
                SetSpeed();
            }
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

        // An instruction a cycle, as everywhere in this platform.
        private void SetSpeed()
        {
            var megahertz = (registers[CoreClock / 4] & 1) == Halved ? FullMegahertz / 2 : FullMegahertz;
            cycles.Synchronize(); // what was executed so far took as long as it did
            cpu.PerformanceInMips = megahertz;
            cycles.Frequency = megahertz * 1000000ul;
        }

        private readonly BaseCPU cpu;
        private readonly NRF_CycleCounter cycles;
        private readonly bool[] running = new bool[4];
        private bool audioClockFails;
        private bool audioClockWanted;

        // In the order HFCLK, LFCLK, HFCLKAUDIO, HFCLK192M. Each stop task follows its start task, each RUN is before its STAT.
        private const int LowFrequency = 1;
        private const int Audio = 2;
        private static readonly long[] Tasks = { 0x000, 0x008, 0x018, 0x020 };
        private static readonly long[] Events = { 0x100, 0x104, 0x120, 0x124 };
        private static readonly long[] Status = { 0x40C, 0x418, 0x454, 0x45C };
        private const long LowFrequencySource = 0x518;
        private const long CoreClock = 0x558;
        private const uint Halved = 1;
        private const uint FullMegahertz = 128;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
// The cycle counter of a core whose clock changes: Armv8-M Architecture Reference Manual, DWT_CTRL and DWT_CYCCNT. Upstream's DWT
// counts one frequency for ever.
using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Peripherals.Timers;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public class NRF_CycleCounter : IDoubleWordPeripheral, IKnownSize
    {
        public NRF_CycleCounter(IMachine machine)
        {
            this.machine = machine;
            registers = new uint[Size / 4];
            counter = new LimitTimer(machine.ClockSource, 1000000, this, "CYCCNT", direction: Direction.Ascending);
        }

        // The frequency is the clock's to reset.
        public void Reset()
        {
            System.Array.Clear(registers, 0, registers.Length);
            counter.Enabled = false;
            counter.Value = 0;
        }

        public uint ReadDoubleWord(long offset)
        {
            if(offset != Count)
            {
                return registers[offset / 4];
            }
            Synchronize();
            return (uint)counter.Value;
        }

        public void WriteDoubleWord(long offset, uint value)
        {
            if(offset == Count)
            {
                counter.Value = value;
                return;
            }
            registers[offset / 4] = value;
            if(offset == Control)
            {
                counter.Enabled = (value & 1) != 0;
            }
        }

        // Virtual time goes on to the instruction that runs now.
        public void Synchronize()
        {
            ICPU cpu;
            if(machine.SystemBus.TryGetCurrentCPU(out cpu))
            {
                cpu.SyncTime();
            }
        }

        public ulong Frequency { set { counter.Frequency = value; } }

        public long Size { get { return 0x1000; } }

        private readonly IMachine machine;
        private readonly LimitTimer counter;
        private readonly uint[] registers;

        private const long Control = 0x0;
        private const long Count = 0x4;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
// The volatile memory controller of the nRF5340's application core: nRF5340 product specification, "VMC". A section of 4 KiB that is
// switched off loses what was in it: it is filled with a pattern, so that an image that needed it goes wrong.
using System;
using System.Linq;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals;
using Antmicro.Renode.Peripherals.Bus;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public class NRF_VMC : IDoubleWordPeripheral, IKnownSize
    {
        public NRF_VMC(IMachine machine)
        {
            this.machine = machine;
            Reset();
        }

        public void Reset()
        {
            registers = new uint[Size / 4];
            power = Enumerable.Repeat(uint.MaxValue, Blocks).ToArray();
        }

        public uint ReadDoubleWord(long offset)
        {
            return IsPower(offset) ? power[BlockOf(offset)] : registers[offset / 4];
        }

        public void WriteDoubleWord(long offset, uint value)
        {
            if(!IsPower(offset))
            {
                registers[offset / 4] = value;
                return;
            }
            var block = BlockOf(offset);
            var before = power[block];
            switch(offset % BlockRegisters)
            {
            case 0x0:
                power[block] = value;
                break;
            case 0x4:
                power[block] |= value;
                break;
            case 0x8:
                power[block] &= ~value;
                break;
            }
            for(var section = 0; section < Sections; section++)
            {
                if((before & ~power[block] & (1u << section)) != 0)
                {
                    var address = RamBase + (ulong)((block * Sections + section) * SectionBytes);
                    machine.SystemBus.WriteBytes(Enumerable.Repeat((byte)0xA5, SectionBytes).ToArray(), address);
                }
            }
        }

        // RAM that is on, in KiB.
        public int PoweredKiB
        {
            get
            {
                return power.Sum(each => Enumerable.Range(0, Sections).Count(section => (each & (1u << section)) != 0)) * SectionBytes / 1024;
            }
        }

        public long Size { get { return 0x1000; } }

        private static bool IsPower(long offset)
        {
            return offset >= PowerRegisters && offset < PowerRegisters + Blocks * BlockRegisters;
        }

        private static int BlockOf(long offset)
        {
            return (int)((offset - PowerRegisters) / BlockRegisters);
        }

        private uint[] registers;
        private uint[] power;
        private readonly IMachine machine;

        private const int Blocks = 8;
        private const int Sections = 16;
        private const int SectionBytes = 4096;
        private const ulong RamBase = 0x20000000;
        private const long PowerRegisters = 0x600;
        private const long BlockRegisters = 0x10;
    }
}

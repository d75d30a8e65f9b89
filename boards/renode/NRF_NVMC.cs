/* SPDX-License-Identifier: Apache-2.0 */
// The flash controller: nRF5340 and nRF52840 product specifications, "NVMC", and the structures NRF_NVMC_Type of Nordic's headers.
// Always ready: erasing and writing take no time here, and a written one bit may become one again.
//
// An nRF5340 erases the page whose first word is written while CONFIG says "erase". Memory of the platform has no hooks, so that
// word is looked at when CONFIG is left; where it was erased already it is cleared for as long, to see that it is written.
using System.Linq;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public class NRF_NVMC : IDoubleWordPeripheral, IKnownSize
    {
        public NRF_NVMC(IMachine machine, uint flashSize = 0x100000)
        {
            this.machine = machine;
            pages = flashSize / Page;
            Reset();
        }

        public void Reset()
        {
            registers = new uint[Size / 4];
            wasErased = null;
        }

        public uint ReadDoubleWord(long offset)
        {
            return offset == Ready || offset == ReadyNext ? 1u : registers[offset / 4];
        }

        public void WriteDoubleWord(long offset, uint value)
        {
            if(offset == ErasePage)
            {
                Erase(value / Page);
                return;
            }
            if(offset == Configuration)
            {
                LeaveErase();
                if((value & 7) == EraseEnabled)
                {
                    EnterErase();
                }
            }
            registers[offset / 4] = value;
        }

        // Pages that were erased, resets or not.
        public long Erased { get; private set; }

        // Fault injection: power fails when so many pages were erased; several numbers, parted by spaces.
        public string PowerFailsAt
        {
            set { powerFailsAt = value.Split(' ').Select(long.Parse).ToArray(); }
        }

        public long Size
        {
            get { return 0x1000; }
        }

        private void EnterErase()
        {
            wasErased = new bool[pages];
            for(uint page = 0; page < pages; page++)
            {
                wasErased[page] = machine.SystemBus.ReadDoubleWord(page * Page) == Blank;
                if(wasErased[page])
                {
                    machine.SystemBus.WriteDoubleWord(page * Page, 0);
                }
            }
        }

        private void LeaveErase()
        {
            if(wasErased == null)
            {
                return;
            }
            for(uint page = 0; page < pages; page++)
            {
                if(machine.SystemBus.ReadDoubleWord(page * Page) == Blank)
                {
                    Erase(page);
                }
                else if(wasErased[page])
                {
                    machine.SystemBus.WriteDoubleWord(page * Page, Blank);
                }
            }
            wasErased = null;
        }

        private void Erase(uint page)
        {
            var blank = new byte[Page];
            for(var n = 0; n < blank.Length; n++)
            {
                blank[n] = 0xFF;
            }
            machine.SystemBus.WriteBytes(blank, page * Page);
            Erased++;
            if(powerFailsAt.Contains(Erased))
            {
                machine.RequestReset();
            }
        }

        private const long Ready = 0x400;
        private const long ReadyNext = 0x408;
        private const long Configuration = 0x504;
        private const long ErasePage = 0x508; // nRF52 only
        private const uint EraseEnabled = 2;
        private const uint Page = 0x1000;
        private const uint Blank = 0xFFFFFFFF;

        private readonly IMachine machine;
        private readonly uint pages;
        private uint[] registers;
        private bool[] wasErased;
        private long[] powerFailsAt = new long[0];
    }
}

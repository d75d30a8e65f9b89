/* SPDX-License-Identifier: Apache-2.0 */
// What all peripherals of the nRF52 and nRF53 share: nRF5340 product specification, "Peripheral interface". A task is a write of
// 1, event n is the register 0x100 + 4 n, and bit n of INTEN lets it interrupt; INTENSET and INTENCLR write single bits of that.
using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.Bus;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public abstract class NRF_Peripheral : IDoubleWordPeripheral, IKnownSize
    {
        protected NRF_Peripheral()
        {
            IRQ = new GPIO();
            registers = new uint[Size / 4];
        }

        public virtual void Reset()
        {
            System.Array.Clear(registers, 0, registers.Length);
            IRQ.Unset();
        }

        public uint ReadDoubleWord(long offset)
        {
            return offset == InterruptSet || offset == InterruptClear ? registers[InterruptEnable / 4] : Read(offset);
        }

        public void WriteDoubleWord(long offset, uint value)
        {
            switch(offset)
            {
            case InterruptSet:
                registers[InterruptEnable / 4] |= value;
                break;
            case InterruptClear:
                registers[InterruptEnable / 4] &= ~value;
                break;
            default:
                Write(offset, value);
                break;
            }
            Update();
        }

        public GPIO IRQ { get; private set; }

        public long Size { get { return 0x1000; } }

        protected virtual uint Read(long offset)
        {
            return registers[offset / 4];
        }

        protected virtual void Write(long offset, uint value)
        {
            registers[offset / 4] = value;
        }

        // To be called where an event comes by itself; after a write it was.
        protected void Update()
        {
            IRQ.Set(Pending != 0);
        }

        protected uint Pending
        {
            get
            {
                var events = 0u;
                for(var n = 0; n < 32; n++)
                {
                    events |= registers[FirstEvent / 4 + n] != 0 ? 1u << n : 0;
                }
                return events & registers[InterruptEnable / 4];
            }
        }

        protected readonly uint[] registers;

        private const long FirstEvent = 0x100;
        private const long InterruptEnable = 0x300;
        private const long InterruptSet = 0x304;
        private const long InterruptClear = 0x308;
    }
}

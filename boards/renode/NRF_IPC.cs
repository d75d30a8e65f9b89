/* SPDX-License-Identifier: Apache-2.0 */
// IPC of the nRF5340's application core: nRF5340 product specification, "IPC", and the structure NRF_IPC_Type of Nordic's
// nrf5340_application.h. A task sends on the channels of its SEND_CNF; an event comes when one of the channels of its
// RECEIVE_CNF is sent on. Start-up code of Zephyr 4 connects it to the other core for a work-around of the RTC.
//
// The other core is not on this platform: what is sent is logged and heard by nobody. `Receive` is what that core would send.
// Subscriptions and publications are kept, and connect to nothing: there is no DPPI either.
using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public class NRF_IPC : IDoubleWordPeripheral, IKnownSize
    {
        public NRF_IPC()
        {
            IRQ = new GPIO();
            Reset();
        }

        public void Reset()
        {
            registers = new uint[Size / 4];
            IRQ.Unset();
        }

        public uint ReadDoubleWord(long offset)
        {
            switch(offset)
            {
            case InterruptSet:
            case InterruptClear:
                return registers[InterruptEnable / 4];
            case InterruptPending:
                return Pending();
            default:
                return registers[offset / 4];
            }
        }

        public void WriteDoubleWord(long offset, uint value)
        {
            if(offset < Channels * 4)
            {
                this.Log(LogLevel.Info, "sent on channels 0x{0:X}: no core there", registers[(SendConfiguration + offset) / 4]);
                return;
            }
            switch(offset)
            {
            case InterruptSet:
                registers[InterruptEnable / 4] |= value;
                break;
            case InterruptClear:
                registers[InterruptEnable / 4] &= ~value;
                break;
            case InterruptPending:
                break;
            default:
                registers[offset / 4] = value;
                break;
            }
            IRQ.Set(Pending() != 0);
        }

        // What the other core would do: send on a channel.
        public void Receive(int channel)
        {
            for(var n = 0; n < Channels; n++)
            {
                if((registers[ReceiveConfiguration / 4 + n] & (1u << channel)) != 0)
                {
                    registers[EventReceive / 4 + n] = 1;
                }
            }
            IRQ.Set(Pending() != 0);
        }

        public GPIO IRQ { get; private set; }

        public long Size { get { return 0x1000; } }

        private uint Pending()
        {
            var events = 0u;
            for(var n = 0; n < Channels; n++)
            {
                events |= registers[EventReceive / 4 + n] << n;
            }
            return events & registers[InterruptEnable / 4];
        }

        private uint[] registers;

        private const int Channels = 16;
        private const long EventReceive = 0x100;
        private const long InterruptEnable = 0x300;
        private const long InterruptSet = 0x304;
        private const long InterruptClear = 0x308;
        private const long InterruptPending = 0x30C;
        private const long SendConfiguration = 0x510;
        private const long ReceiveConfiguration = 0x590;
    }
}

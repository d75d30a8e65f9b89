/* SPDX-License-Identifier: Apache-2.0 */
// IPC of the nRF5340's application core: nRF5340 product specification, "IPC", and the structure NRF_IPC_Type of Nordic's
// nrf5340_application.h. A task sends on the channels of its SEND_CNF; an event comes when one of the channels of its
// RECEIVE_CNF is sent on. Start-up code of Zephyr 4 connects it to the other core for a work-around of the RTC.
//
// The other core is not on this platform: what is sent is logged and heard by nobody. `Receive` is what that core would send.
// Subscriptions and publications are kept, and connect to nothing: there is no DPPI either.
using Antmicro.Renode.Logging;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public class NRF_IPC : NRF_Peripheral
    {
        protected override uint Read(long offset)
        {
            return offset == InterruptPending ? Pending : base.Read(offset);
        }

        protected override void Write(long offset, uint value)
        {
            if(offset < Channels * 4)
            {
                this.Log(LogLevel.Info, "sent on channels 0x{0:X}: no core there", registers[(SendConfiguration + offset) / 4]);
            }
            else if(offset != InterruptPending)
            {
                base.Write(offset, value);
            }
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
            Update();
        }

        private const int Channels = 16;
        private const long EventReceive = 0x100;
        private const long InterruptPending = 0x30C;
        private const long SendConfiguration = 0x510;
        private const long ReceiveConfiguration = 0x590;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
// QSPI of the nRF5340 with nothing on its pins: nRF5340 product specification, "QSPI", and the structure NRF_QSPI_Type of Nordic's
// nrf5340_application.h. Every task but DEACTIVATE, and every custom instruction, ends at once with the event READY; what is read
// is zero, which is no flash chip's identification: drivers find none there. A boot loader with the kit's devicetree looks for one.
namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public class NRF_QSPI : NRF_Peripheral
    {
        protected override uint Read(long offset)
        {
            return offset == Status ? StatusReady : base.Read(offset);
        }

        protected override void Write(long offset, uint value)
        {
            switch(offset)
            {
            case Activate:
            case ReadStart:
            case WriteStart:
            case EraseStart:
                registers[EventReady / 4] |= value & 1;
                break;
            case InstructionConfiguration:
                registers[offset / 4] = value;
                registers[InstructionData / 4] = 0;
                registers[InstructionData / 4 + 1] = 0;
                registers[EventReady / 4] = 1;
                break;
            default:
                base.Write(offset, value);
                break;
            }
        }

        private const long Activate = 0x000;
        private const long ReadStart = 0x004;
        private const long WriteStart = 0x008;
        private const long EraseStart = 0x00C;
        private const long EventReady = 0x100;
        private const long Status = 0x604;
        private const uint StatusReady = 8;
        private const long InstructionConfiguration = 0x634;
        private const long InstructionData = 0x638;
    }
}

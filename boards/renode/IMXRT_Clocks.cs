/* SPDX-License-Identifier: Apache-2.0 */
// CCM, CCM_ANALOG and DCDC of the i.MX RT106x as far as start-up code and the SAI's driver use them: its reference manual,
// chapters "CCM" and "DCDC". PLLs are locked and the DC/DC converter is settled at once; registers of CCM_ANALOG have addresses
// that set, clear and toggle their bits. What is not a status is memory.
using System;

using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.Bus;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public class IMXRT_Clocks : IDoubleWordPeripheral, IKnownSize
    {
        public IMXRT_Clocks(IMachine machine)
        {
            Reset();
        }

        public void Reset()
        {
            control = new uint[Size / 4];
            analog = new uint[Size / 4];
            converter = new uint[Size / 4];
            control[SerialClockMux1 / 4] = 0x66930000;
            control[Sai1Divider / 4] = 0x0EC102C1;
            analog[AudioPll / 4] = 0x00011006;
            analog[AudioDenominator / 4] = 0x2964619C;
            analog[AudioNumerator / 4] = 0x05F5E100;
        }

        public uint ReadDoubleWord(long offset)
        {
            return control[offset / 4];
        }

        public void WriteDoubleWord(long offset, uint value)
        {
            control[offset / 4] = value;
        }

        [ConnectionRegion("analog")]
        public uint ReadDoubleWordFromAnalog(long offset)
        {
            var register = offset & ~0xFL;
            return analog[register / 4] | (Array.IndexOf(Plls, register) >= 0 ? Locked : 0);
        }

        [ConnectionRegion("analog")]
        public void WriteDoubleWordToAnalog(long offset, uint value)
        {
            var register = (offset & ~0xFL) / 4;
            switch(offset & 0xF)
            {
            case 0x0:
                analog[register] = value;
                break;
            case 0x4:
                analog[register] |= value;
                break;
            case 0x8:
                analog[register] &= ~value;
                break;
            default:
                analog[register] ^= value;
                break;
            }
        }

        [ConnectionRegion("dcdc")]
        public uint ReadDoubleWordFromConverter(long offset)
        {
            return converter[offset / 4] | (offset == 0 ? Settled : 0);
        }

        [ConnectionRegion("dcdc")]
        public void WriteDoubleWordToConverter(long offset, uint value)
        {
            converter[offset / 4] = value;
        }

        // The SAI1's master clock in Hz: the audio PLL, 24 MHz (DIV_SELECT + NUM / DENOM) / post dividers, through two dividers;
        // 0 while another clock is chosen or the PLL is off.
        public double Sai1Clock
        {
            get
            {
                var pll = analog[AudioPll / 4];
                if(((control[SerialClockMux1 / 4] >> 10) & 3) != 2 || (pll & PowerDown) != 0)
                {
                    return 0;
                }
                var fraction = (double)analog[AudioNumerator / 4] / Math.Max(1, analog[AudioDenominator / 4]);
                var miscellaneous = analog[Miscellaneous2 / 4];
                var post = new[] { 4.0, 2.0, 1.0, 1.0 }[(pll >> 19) & 3]
                    * new[] { 1.0, 2.0, 1.0, 4.0 }[((miscellaneous >> 22) & 2) | ((miscellaneous >> 15) & 1)];
                var divider = control[Sai1Divider / 4];
                return Crystal * ((pll & 0x7F) + fraction) / post / (((divider >> 6) & 7) + 1) / ((divider & 0x3F) + 1);
            }
        }

        public long Size { get { return 0x4000; } }

        private uint[] control;
        private uint[] analog;
        private uint[] converter;

        private const double Crystal = 24000000;
        private const uint Locked = 1u << 31;
        private const uint PowerDown = 1u << 12;
        private const uint Settled = 1u << 31; // DCDC.REG0, STS_DC_OK
        private static readonly long[] Plls = { 0x00, 0x10, 0x20, 0x30, 0x70, 0xA0, 0xE0 };

        private const long SerialClockMux1 = 0x1C; // CCM.CSCMR1
        private const long Sai1Divider = 0x28; // CCM.CS1CDR
        private const long AudioPll = 0x70;
        private const long AudioNumerator = 0x80;
        private const long AudioDenominator = 0x90;
        private const long Miscellaneous2 = 0x170;
    }
}

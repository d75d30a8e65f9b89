/* SPDX-License-Identifier: Apache-2.0 */
// SAI1 of the i.MX RT106x: its reference manual, chapter "Synchronous Audio Interface". In and out are files of raw slots, as
// the DMA moves them: little-endian, interleaved.
//
// Each direction has a FIFO of 32 words and asks the DMA by its watermark. A frame moves at master clock / (2 (DIV + 1)) / (words
// times bits); the receiver that is synchronous to the transmitter has its clocks, and stands still while that is off. A frame
// without words in the FIFO sends zeros and sets FEF.
using System;
using System.Collections.Generic;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.Miscellaneous;
using Antmicro.Renode.Peripherals.Timers;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.Sound
{
    [AllowedTranslations(AllowedTranslation.ByteToDoubleWord | AllowedTranslation.WordToDoubleWord)]
    public class IMXRT_SAI : IDoubleWordPeripheral, IKnownSize, IDisposable
    {
        public IMXRT_SAI(IMachine machine, IMXRT_Clocks clocks)
        {
            this.clocks = clocks;
            IRQ = new GPIO();
            ReceiveRequest = new GPIO();
            SendRequest = new GPIO();
            frame = new LimitTimer(machine.ClockSource, TimerHz, this, "frame", 1, Direction.Ascending, false,
                                   WorkMode.Periodic, true);
            frame.LimitReached += Frame;
            PeriodPercent = 100;
            Reset();
        }

        public void Reset()
        {
            frame.Enabled = false;
            registers = new uint[Size / 4];
            sending.Clear();
            received.Clear();
            Update();
        }

        public void Dispose()
        {
            files.Dispose();
        }

        public uint ReadDoubleWord(long offset)
        {
            switch(offset)
            {
            case Send:
                return registers[offset / 4] | (sending.Count <= (registers[(offset + Watermark) / 4] & 0x1F) ? RequestFlag : 0)
                    | (sending.Count == 0 ? WarningFlag : 0);
            case Receive:
                return registers[offset / 4] | (received.Count > (registers[(offset + Watermark) / 4] & 0x1F) ? RequestFlag : 0)
                    | (received.Count == Words ? WarningFlag : 0);
            case ReceiveData:
                var word = received.Count > 0 ? received.Dequeue() : 0;
                Update();
                return word;
            default:
                return registers[offset / 4];
            }
        }

        public void WriteDoubleWord(long offset, uint value)
        {
            switch(offset)
            {
            case Send:
            case Receive:
                var was = registers[offset / 4];
                // Flags are cleared by a one; the FIFO's reset reads as zero.
                registers[offset / 4] = (value & ~(Flags | FifoReset)) | (was & ~value & ErrorFlag);
                if((value & (FifoReset | SoftwareReset)) != 0)
                {
                    (offset == Send ? sending : received).Clear();
                }
                if(((was ^ value) & Enable) != 0)
                {
                    Pace();
                }
                break;
            case SendData:
                if(sending.Count < Words)
                {
                    sending.Enqueue(value);
                }
                else
                {
                    this.Log(LogLevel.Error, "a word for a full FIFO is lost");
                }
                break;
            default:
                registers[offset / 4] = value;
                break;
            }
            Update();
        }

        // What comes in; silence without a file and after its end.
        public string InputFile
        {
            set { files.OpenInput(value); }
        }

        // What goes out; an existing file is replaced.
        public string OutputFile
        {
            set { files.OpenOutput(value); }
        }

        // Fault injection: the bit clock stands still, as when a codec that makes it stops.
        public bool ClockStopped
        {
            get { return clockStopped; }

            set
            {
                clockStopped = value;
                frame.Enabled = Runs && !value;
            }
        }

        // Fault injection: 50 lets frames come and go twice as fast as the registers say.
        public uint PeriodPercent { get; set; }

        // Frames that were sent or received since reset of the emulation.
        public ulong Frames { get; private set; }

        public GPIO IRQ { get; private set; }

        public GPIO ReceiveRequest { get; private set; }

        public GPIO SendRequest { get; private set; }

        public long Size { get { return 0x4000; } }

        // Start or stop the clocks, which are the transmitter's where it runs.
        private void Pace()
        {
            if(!Runs)
            {
                frame.Enabled = false;
                files.Flush();
                return;
            }
            if(frame.Enabled)
            {
                return;
            }
            var at = Sends ? Send : Receive;
            var bitClock = clocks.Sai1Clock / (2 * ((registers[(at + Configuration2) / 4] & 0xFF) + 1));
            if(bitClock == 0)
            {
                this.Log(LogLevel.Error, "started without a master clock: no data");
                return;
            }
            words = ((registers[(at + Configuration4) / 4] >> 16) & 0x1F) + 1;
            var bits = ((registers[(at + Configuration5) / 4] >> 16) & 0x1F) + 1;
            bytes = bits > 16 ? 4 : bits > 8 ? 2 : 1;
            frame.Limit = Math.Max(1, (ulong)Math.Round(TimerHz * words * bits / bitClock * PeriodPercent / 100));
            frame.ResetValue();
            this.Log(LogLevel.Info, "{0} words of {1} bits a frame, {2:0.###} Hz", words, bits, bitClock / words / bits);
            frame.Enabled = !clockStopped;
        }

        private void Frame()
        {
            Frames++;
            if(Sends)
            {
                var data = new byte[words * bytes];
                for(var word = 0; word < words; word++)
                {
                    if(sending.Count > 0)
                    {
                        Array.Copy(BitConverter.GetBytes(sending.Dequeue()), 0, data, word * bytes, bytes);
                    }
                    else
                    {
                        registers[Send / 4] |= ErrorFlag;
                    }
                }
                files.Write(data);
                if(Frames % FramesToFlush == 0)
                {
                    files.Flush();
                }
            }
            if(Receives)
            {
                var data = files.Read((int)words * bytes);
                for(var word = 0; word < words; word++)
                {
                    if(received.Count < Words)
                    {
                        var padded = new byte[4];
                        Array.Copy(data, word * bytes, padded, 0, bytes);
                        received.Enqueue(BitConverter.ToUInt32(padded, 0));
                    }
                    else
                    {
                        registers[Receive / 4] |= ErrorFlag;
                    }
                }
            }
            Update();
        }

        private void Update()
        {
            Ask(SendRequest, Send);
            Ask(ReceiveRequest, Receive);
            IRQ.Set(Pending(Send) || Pending(Receive));
        }

        private void Ask(GPIO line, long at)
        {
            line.Set((registers[at / 4] & RequestToDma) != 0 && (ReadDoubleWord(at) & RequestFlag) != 0);
        }

        // The enables are eight bits below their flags.
        private bool Pending(long at)
        {
            return ((ReadDoubleWord(at) >> 8) & registers[at / 4] & (Flags >> 8)) != 0;
        }

        private bool Sends { get { return (registers[Send / 4] & Enable) != 0; } }

        private bool Synchronous { get { return (registers[(Receive + Configuration2) / 4] >> 30) == 1; } }

        private bool Receives { get { return (registers[Receive / 4] & Enable) != 0 && (Sends || !Synchronous); } }

        private bool Runs { get { return Sends || Receives; } }

        private readonly IMXRT_Clocks clocks;
        private readonly LimitTimer frame;
        private readonly Queue<uint> sending = new Queue<uint>();
        private readonly Queue<uint> received = new Queue<uint>();
        private readonly AudioFiles files = new AudioFiles();
        private uint[] registers;
        private bool clockStopped;
        private uint words;
        private int bytes;

        private const ulong TimerHz = 1000000000;
        private const int Words = 32;
        private const ulong FramesToFlush = 256;
        private const uint Enable = 1u << 31;
        private const uint FifoReset = 1u << 25;
        private const uint SoftwareReset = 1u << 24;
        private const uint ErrorFlag = 1u << 18;
        private const uint WarningFlag = 1u << 17;
        private const uint RequestFlag = 1u << 16;
        private const uint Flags = 0x1F0000;
        private const uint RequestToDma = 1u << 0;

        private const long Send = 0x08; // TCSR; the next ones by these steps
        private const long Watermark = 0x04;
        private const long Configuration2 = 0x08;
        private const long Configuration4 = 0x10;
        private const long Configuration5 = 0x14;
        private const long SendData = 0x20;
        private const long Receive = 0x88; // RCSR
        private const long ReceiveData = 0xA0;
    }
}

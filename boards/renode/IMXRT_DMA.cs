/* SPDX-License-Identifier: Apache-2.0 */
// eDMA and DMAMUX of the i.MX RT106x: its reference manual, chapters "Enhanced Direct Memory Access" and "DMAMUX".
//
// A source that asks (OnGPIO with its number) starts minor loops of the channel that the multiplexer gives it, until it asks no
// more. At the end of a major loop come the last adjustments or the next descriptor, the request is disabled where it says so,
// and the interrupt. Channel n has the interrupt n % 16. Links between channels and modulo addresses are not there.
using System;
using System.Collections.Generic;
using System.Linq;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;

namespace Antmicro.Renode.Peripherals.DMA
{
    public class IMXRT_DMA : IBytePeripheral, IWordPeripheral, IDoubleWordPeripheral, IKnownSize, INumberedGPIOOutput, IGPIOReceiver
    {
        public IMXRT_DMA(IMachine machine)
        {
            this.machine = machine;
            Connections = Enumerable.Range(0, Lines).ToDictionary(line => line, line => (IGPIO)new GPIO());
            Reset();
        }

        public void Reset()
        {
            memory = new byte[Size];
            sources = new uint[Channels];
            asking.Clear();
            Update();
        }

        public byte ReadByte(long offset)
        {
            return memory[offset];
        }

        public ushort ReadWord(long offset)
        {
            return BitConverter.ToUInt16(memory, (int)offset);
        }

        public uint ReadDoubleWord(long offset)
        {
            return BitConverter.ToUInt32(memory, (int)offset);
        }

        public void WriteByte(long offset, byte value)
        {
            var bits = (value & 0x40) != 0 ? uint.MaxValue : 1u << (value & 0x1F);
            switch(offset)
            {
            case ClearErrorInterrupt:
                Set(ErrorInterrupt, ReadDoubleWord(ErrorInterrupt) & ~bits);
                break;
            case SetErrorInterrupt:
                Set(ErrorInterrupt, ReadDoubleWord(ErrorInterrupt) | bits);
                break;
            case ClearRequest:
                Set(EnableRequest, ReadDoubleWord(EnableRequest) & ~bits);
                break;
            case SetRequest:
                Set(EnableRequest, ReadDoubleWord(EnableRequest) | bits);
                Serve();
                break;
            case ClearDone:
                for(var channel = 0; channel < Channels; channel++)
                {
                    if((bits & (1u << channel)) != 0)
                    {
                        memory[Descriptor(channel) + Status] &= unchecked((byte)~Done);
                    }
                }
                break;
            case ClearError:
                Set(Error, ReadDoubleWord(Error) & ~bits);
                break;
            case ClearInterrupt:
                Set(Interrupt, ReadDoubleWord(Interrupt) & ~bits);
                Update();
                break;
            default:
                memory[offset] = value;
                break;
            }
        }

        public void WriteWord(long offset, ushort value)
        {
            BitConverter.GetBytes(value).CopyTo(memory, offset);
            if(offset >= Descriptors && (offset - Descriptors) % DescriptorBytes == Status && (value & Start) != 0)
            {
                Run((int)((offset - Descriptors) / DescriptorBytes));
            }
        }

        public void WriteDoubleWord(long offset, uint value)
        {
            switch(offset)
            {
            case Interrupt:
            case Error:
                Set(offset, ReadDoubleWord(offset) & ~value);
                Update();
                break;
            case EnableRequest:
                Set(offset, value);
                Serve();
                break;
            default:
                Set(offset, value);
                break;
            }
        }

        [ConnectionRegion("mux")]
        public uint ReadDoubleWordFromMux(long offset)
        {
            return offset / 4 < Channels ? sources[offset / 4] : 0;
        }

        [ConnectionRegion("mux")]
        public void WriteDoubleWordToMux(long offset, uint value)
        {
            if(offset / 4 < Channels)
            {
                sources[offset / 4] = value;
                Serve();
            }
        }

        public void OnGPIO(int number, bool value)
        {
            if(!value)
            {
                asking.Remove(number);
            }
            else if(asking.Add(number))
            {
                Serve();
            }
        }

        public IReadOnlyDictionary<int, IGPIO> Connections { get; private set; }

        public long Size { get { return 0x4000; } }

        // Minor loops of all channels whose source asks. A transfer may itself change who asks.
        private void Serve()
        {
            if(serving)
            {
                return;
            }
            serving = true;
            for(var channel = 0; channel < Channels; channel++)
            {
                while(Asked(channel))
                {
                    Run(channel);
                }
            }
            serving = false;
        }

        private bool Asked(int channel)
        {
            var source = sources[channel];
            return (source & Enabled) != 0 && asking.Contains((int)(source & 0x7F)) && (ReadDoubleWord(Control) & Halt) == 0
                && (ReadDoubleWord(EnableRequest) & (1u << channel)) != 0;
        }

        private void Run(int channel)
        {
            var at = Descriptor(channel);
            var attributes = ReadWord(at + Attributes);
            var sourceBytes = 1 << ((attributes >> 8) & 7);
            var targetBytes = 1 << (attributes & 7);
            var source = ReadDoubleWord(at + SourceAddress);
            var target = ReadDoubleWord(at + TargetAddress);
            var count = ReadDoubleWord(at + Bytes);
            var left = ReadWord(at + Iterations);
            if((ReadDoubleWord(Control) & MinorLoopMapping) != 0 && (count >> 30) != 0)
            {
                this.Log(LogLevel.Error, "channel {0}: offsets after minor loops are not modelled", channel);
                count &= 0x3FF;
            }
            if((left & Linked) != 0 || (attributes & 0xF8F8) != 0 || count == 0 || left == 0)
            {
                this.Log(LogLevel.Error, "channel {0}: a descriptor that is not modelled, or empty", channel);
                Set(EnableRequest, ReadDoubleWord(EnableRequest) & ~(1u << channel));
                return;
            }
            var data = new byte[count];
            for(var done = 0; done < count; done += sourceBytes)
            {
                Fetch(source, sourceBytes).CopyTo(data, done);
                source += (uint)(short)ReadWord(at + SourceOffset);
            }
            for(var done = 0; done < count; done += targetBytes)
            {
                Store(target, data, done, targetBytes);
                target += (uint)(short)ReadWord(at + TargetOffset);
            }
            left--;
            Set(at + SourceAddress, source);
            Set(at + TargetAddress, target);
            BitConverter.GetBytes(left).CopyTo(memory, at + Iterations);
            memory[at + Status] &= unchecked((byte)~(Start | Done));
            if(left == 0)
            {
                Finish(channel, source, target);
            }
        }

        private void Finish(int channel, uint source, uint target)
        {
            var at = Descriptor(channel);
            var status = ReadWord(at + Status);
            if((status & DisableRequest) != 0)
            {
                Set(EnableRequest, ReadDoubleWord(EnableRequest) & ~(1u << channel));
            }
            if((status & ScatterGather) != 0)
            {
                machine.SystemBus.ReadBytes(ReadDoubleWord(at + TargetLast), DescriptorBytes).CopyTo(memory, at);
            }
            else
            {
                Set(at + SourceAddress, source + ReadDoubleWord(at + SourceLast));
                Set(at + TargetAddress, target + ReadDoubleWord(at + TargetLast));
                BitConverter.GetBytes(ReadWord(at + Beginning)).CopyTo(memory, at + Iterations);
                memory[at + Status] |= Done;
            }
            if((status & InterruptAtEnd) != 0)
            {
                Set(Interrupt, ReadDoubleWord(Interrupt) | (1u << channel));
                Update();
            }
        }

        private byte[] Fetch(uint address, int bytes)
        {
            switch(bytes)
            {
            case 1:
                return new[] { machine.SystemBus.ReadByte(address) };
            case 2:
                return BitConverter.GetBytes(machine.SystemBus.ReadWord(address));
            case 4:
                return BitConverter.GetBytes(machine.SystemBus.ReadDoubleWord(address));
            default:
                return machine.SystemBus.ReadBytes(address, bytes);
            }
        }

        private void Store(uint address, byte[] data, int from, int bytes)
        {
            switch(bytes)
            {
            case 1:
                machine.SystemBus.WriteByte(address, data[from]);
                break;
            case 2:
                machine.SystemBus.WriteWord(address, BitConverter.ToUInt16(data, from));
                break;
            case 4:
                machine.SystemBus.WriteDoubleWord(address, BitConverter.ToUInt32(data, from));
                break;
            default:
                machine.SystemBus.WriteBytes(data.Skip(from).Take(bytes).ToArray(), address);
                break;
            }
        }

        private void Set(long offset, uint value)
        {
            BitConverter.GetBytes(value).CopyTo(memory, offset);
        }

        private void Update()
        {
            var pending = ReadDoubleWord(Interrupt);
            for(var line = 0; line < Lines; line++)
            {
                Connections[line].Set((pending & (0x10001u << line)) != 0);
            }
        }

        private static long Descriptor(int channel)
        {
            return Descriptors + channel * DescriptorBytes;
        }

        private readonly IMachine machine;
        private readonly HashSet<int> asking = new HashSet<int>();
        private byte[] memory;
        private uint[] sources;
        private bool serving;

        private const int Channels = 32;
        private const int Lines = 16;
        private const int DescriptorBytes = 32;
        private const uint Enabled = 1u << 31; // DMAMUX.CHCFG, ENBL
        private const uint Halt = 1u << 5;
        private const uint MinorLoopMapping = 1u << 7;
        private const ushort Linked = 0x8000;
        private const byte Start = 1 << 0;
        private const ushort InterruptAtEnd = 1 << 1;
        private const ushort DisableRequest = 1 << 3;
        private const ushort ScatterGather = 1 << 4;
        private const byte Done = 1 << 7;

        private const long Control = 0x0;
        private const long EnableRequest = 0xC;
        private const long ErrorInterrupt = 0x14;
        private const long ClearErrorInterrupt = 0x18;
        private const long SetErrorInterrupt = 0x19;
        private const long ClearRequest = 0x1A;
        private const long SetRequest = 0x1B;
        private const long ClearDone = 0x1C;
        private const long ClearError = 0x1E;
        private const long ClearInterrupt = 0x1F;
        private const long Interrupt = 0x24;
        private const long Error = 0x2C;
        private const long Descriptors = 0x1000;
        private const long SourceAddress = 0x00; // of a descriptor, from here on
        private const long SourceOffset = 0x04;
        private const long Attributes = 0x06;
        private const long Bytes = 0x08;
        private const long SourceLast = 0x0C;
        private const long TargetAddress = 0x10;
        private const long TargetOffset = 0x14;
        private const long Iterations = 0x16;
        private const long TargetLast = 0x18;
        private const long Status = 0x1C;
        private const long Beginning = 0x1E;
    }
}

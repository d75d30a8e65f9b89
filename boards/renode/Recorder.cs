/* SPDX-License-Identifier: Apache-2.0 */
// A line of numbers in a file whenever the core enters a function. The monitor's AddHook does the same by a breakpoint: each stop
// takes milliseconds of the host, translates the code there anew and keeps the old translation.
using System;
using System.Collections.Generic;
using System.IO;

using Antmicro.Renode.Peripherals.CPU;

namespace Antmicro.Renode.Hooks
{
    public static class Recorder
    {
        // Line: the instructions that were executed by then.
        public static void RecordEntry(this TranslationCPU cpu, ulong function, string path)
        {
            var file = Open(path);
            Add(cpu, function, executed => file.WriteLine("{0}", executed));
        }

        // Line: the same, and the function's first argument, in r0.
        public static void RecordCall(this TranslationCPU cpu, ulong function, string path)
        {
            var file = Open(path);
            Add(cpu, function, executed => file.WriteLine("{0} {1}", executed, ((ICPUWithRegisters)cpu).GetRegister(0).RawValue));
        }

        // A call enters a function at the begin of a block of translated code. A block that is begun, put off and begun again
        // has executed nothing in between.
        private static void Add(TranslationCPU cpu, ulong function, Action<ulong> note)
        {
            notes[function] = note;
            var last = ulong.MaxValue;
            cpu.SetHookAtBlockBegin((address, size) =>
            {
                Action<ulong> found;
                if(notes.TryGetValue(address, out found) && cpu.ExecutedInstructions != last)
                {
                    last = cpu.ExecutedInstructions;
                    found(last);
                }
            });
        }

        // Functions with the same path write to one file, which is whole after each line.
        private static StreamWriter Open(string path)
        {
            StreamWriter file;
            if(!files.TryGetValue(path, out file))
            {
                file = new StreamWriter(new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite));
                file.NewLine = "\n";
                file.AutoFlush = true;
                files[path] = file;
            }
            return file;
        }

        private static readonly Dictionary<ulong, Action<ulong>> notes = new Dictionary<ulong, Action<ulong>>();
        private static readonly Dictionary<string, StreamWriter> files = new Dictionary<string, StreamWriter>();
    }
}

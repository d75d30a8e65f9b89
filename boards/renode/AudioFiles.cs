/* SPDX-License-Identifier: Apache-2.0 */
// The files behind an audio peripheral: what comes in and what goes out, as it lies in memory.
using System;
using System.IO;

namespace Antmicro.Renode.Peripherals.Sound
{
    public sealed class AudioFiles : IDisposable
    {
        public void OpenInput(string path)
        {
            Close(ref input);
            input = new FileStream(path, FileMode.Open, FileAccess.Read);
        }

        // An existing file is replaced.
        public void OpenOutput(string path)
        {
            Close(ref output);
            output = new FileStream(path, FileMode.Create, FileAccess.Write);
        }

        // The next bytes that come in; silence without a file and after its end.
        public byte[] Read(int count)
        {
            var data = new byte[count];
            for(int filled = 0, read = 1; input != null && filled < count && read > 0; filled += read)
            {
                read = input.Read(data, filled, count - filled);
            }
            return data;
        }

        public void Write(byte[] data)
        {
            if(output != null)
            {
                output.Write(data, 0, data.Length);
            }
        }

        public void Flush()
        {
            if(output != null)
            {
                output.Flush();
            }
        }

        public void Dispose()
        {
            Close(ref input);
            Close(ref output);
        }

        private static void Close(ref FileStream file)
        {
            if(file != null)
            {
                file.Dispose();
                file = null;
            }
        }

        private FileStream input;
        private FileStream output;
    }
}

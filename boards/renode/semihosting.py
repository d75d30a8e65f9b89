# SPDX-License-Identifier: Apache-2.0
# Files for firmware that asks a debugger: what its semihost_exec() would stop for is done at its entry. Arm, "Semihosting for
# AArch32 and AArch64": the operation in r0, the address of its arguments in r1, the result in r0. A hook runs this with `self`,
# the core, `folder`, where the files are, and `files`, a list that lasts from one call to the next.
from System import Array, Byte, UInt32
from System.IO import File, FileMode, FileStream, Path
from System.Text import Encoding

SYS_OPEN, SYS_CLOSE, SYS_WRITE, SYS_READ, SYS_EXIT = 0x01, 0x02, 0x05, 0x06, 0x18
FAILED = 0xFFFFFFFF

operation, block = int(self.GetRegister(0).RawValue), int(self.GetRegister(1).RawValue)
result = FAILED
if operation == SYS_EXIT:
    self.IsHalted = True
else:
    first, second, third = [int(self.Bus.ReadDoubleWord(block + 4 * n)) for n in range(3 if operation != SYS_CLOSE else 1)] + (
        [0, 0] if operation == SYS_CLOSE else []
    )
    if operation == SYS_OPEN:
        name = Encoding.ASCII.GetString(self.Bus.ReadBytes(first, third))
        path, writing = Path.Combine(folder, Path.GetFileName(name)), second >= 4
        if writing or File.Exists(path):
            files.append(FileStream(path, FileMode.Create if writing else FileMode.Open))
            result = len(files)
    elif operation == SYS_CLOSE:
        files[first - 1].Dispose()
        result = 0
    elif operation == SYS_WRITE:
        files[first - 1].Write(self.Bus.ReadBytes(second, third), 0, third)
        files[first - 1].Flush()
        result = 0
    elif operation == SYS_READ:
        data = Array.CreateInstance(Byte, third)
        count = files[first - 1].Read(data, 0, third)
        for n in range(count, third):
            data[n] = self.Bus.ReadByte(second + n)
        self.Bus.WriteBytes(data, second)
        result = third - count
    self.SetRegister(0, UInt32(result))
    self.PC = self.LR

# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""Saved runs on the kernel between cocotbext-axi's AXI-Lite master and AXI memories, with pauses on every channel, as they
are and with memory that refuses one access."""

import json
import os
import pathlib
import random
import struct
import zlib

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotb.utils import get_sim_time
from cocotbext.axi import (AxiBus, AxiLiteBus, AxiLiteMaster, AxiRamRead, AxiRamWrite, AxiReadBus, AxiResp)
from cocotbext.axi.sparse_memory import SparseMemory

# docs/generated/registers.md, docs/generated/records.md
CONTROL, INTERRUPT_GLOBAL, INTERRUPT_ENABLE, INTERRUPT_STATUS, ERROR_CODE, INSTRUCTIONS, ERROR_DETAIL = 0x000, 0x004, 0x008, 0x00C, 0x140, 0x158, 0x160
CONTRACT_HASH = 0x104
WIDE = {"program_base": 0x010, "x_base": 0x020, "y_base": 0x028, "completion_base": 0x030}
NARROW = {"entry": 0x018, "num_vectors": 0x01C, "vector_base": 0x038, "chip_seed": 0x03C, "watchdog_cycles": 0x040}
IMAGE_BASE = 0x048
MEMORY_SLVERR = 19  # docs/generated/errors.md
LINE, PAGE, HEADER, INSTRUCTION = 64, 4096, 64, 16
RECORD_BYTES = 1024
CYCLES = [(0x020, 0x028), (0x0C0, 0x300)]  # of the record: what a device without cycles does not tell
BUFFER = 2**40  # room for each, half of it before a multiple
SPACE = 2**62  # of addresses; the library counts them in a signed 64-bit number
PERIOD_NS = 4
LONGEST_ACCESS_NS = 4_000 * PERIOD_NS
LONGEST_RUN_NS = int(os.environ["XW_AXI_LONGEST"]) * PERIOD_NS


def read_run(path):
    """Arguments and memory of a saved run (docs/devices.md): {address: bytes}."""
    data = path.read_bytes()
    assert data[:8] == b"XWRUN\r\n\x1a", path
    (size,) = struct.unpack_from("<Q", data, 8)
    description = json.loads(data[16:16 + size])
    at, memory = 16 + size, {}
    for segment in description["segments"]:
        stored = data[at:at + segment["stored"]]
        at += segment["stored"]
        assert zlib.crc32(stored) == segment["crc32"], path
        memory[segment["address"]] = stored + bytes(segment["bytes"] - len(stored))
    assert at == len(data), path
    return description, memory


def pauses(generator):
    """Stretches of cycles with a probability of their own, from none to four of five."""
    while True:
        share = generator.choice([0, 0.1, 0.3, 0.5, 0.8])
        for _ in range(generator.randrange(50, 400)):
            yield generator.random() < share


class Refusing:
    """Memory that keeps which beats were asked for, and answers SLVERR to the one at `refused`."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.seen, self.refused = set(), None

    def look(self, address):
        self.seen.add(address)
        if address == self.refused:
            raise PermissionError(hex(address))


class RefusingRead(Refusing, AxiRamRead):
    async def _read(self, address, length):
        self.look(address)
        return await super()._read(address, length)


class RefusingWrite(Refusing, AxiRamWrite):
    async def _write(self, address, data):
        self.look(address)
        await super()._write(address, data)


class Bench:
    def __init__(self, dut, generator):
        self.dut = dut
        # By name before anything lists the ports: what a list finds in Verilator 5.006 are copies inside the module.
        for port in os.environ["XW_AXI_PORTS"].split():
            getattr(dut, port)
        cocotb.start_soon(Clock(dut.ap_clk, PERIOD_NS, units="ns").start())
        self.memory = SparseMemory(SPACE)
        reset = {"reset": dut.ap_rst_n, "reset_active_level": False}
        ram = {**reset, "size": SPACE, "mem": self.memory}
        self.control = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi_control"), dut.ap_clk, **reset)
        gmem = AxiBus.from_prefix(dut, "m_axi_gmem")
        self.gmem_write = RefusingWrite(gmem.write, dut.ap_clk, **ram)
        self.memories = [self.gmem_write, RefusingRead(gmem.read, dut.ap_clk, **ram)]
        self.memories += [RefusingRead(AxiReadBus.from_prefix(dut, f"m_axi_engine{e}"), dut.ap_clk, **ram)
                          for e in range(int(os.environ["XW_AXI_ENGINES"]))]
        writers = [self.control.write_if, self.gmem_write]
        readers = [self.control.read_if, *self.memories[1:]]
        self.channels = [getattr(port, f"{name}_channel") for port in writers for name in ("aw", "w", "b")]
        self.channels += [getattr(port, f"{name}_channel") for port in readers for name in ("ar", "r")]
        for channel in self.channels:
            channel.set_pause_generator(pauses(random.Random(generator.random())))

    async def reset(self):
        self.dut.ap_rst_n.value = 0
        await ClockCycles(self.dut.ap_clk, 16)
        self.dut.ap_rst_n.value = 1
        await ClockCycles(self.dut.ap_clk, 8)

    async def write(self, offset, value, size=4):
        answer = await with_timeout(cocotb.start_soon(self.control.write(offset, value.to_bytes(size, "little"))), LONGEST_ACCESS_NS, "ns")
        assert answer.resp == AxiResp.OKAY, f"writing register {offset:#x}: {answer.resp}"

    async def write_in_bytes(self, offset, value, size=4):
        """In pieces, over other bytes: the strobes decide."""
        await self.write(offset, ~value & (2**(8 * size) - 1), size)
        for byte in range(size):
            await self.write(offset + byte, value >> 8 * byte & 0xFF, 1)

    async def read(self, offset, size=4):
        answer = await with_timeout(cocotb.start_soon(self.control.read(offset, size)), LONGEST_ACCESS_NS, "ns")
        assert answer.resp == AxiResp.OKAY, f"reading register {offset:#x}: {answer.resp}"
        return int.from_bytes(answer.data, "little")

    async def run(self, arguments, by_interrupt, in_bytes):
        """Returns the error code."""
        write = self.write_in_bytes if in_bytes else self.write
        wide = {**{offset: arguments[name] for name, offset in WIDE.items()},
                **{IMAGE_BASE + 8 * engine: address for engine, address in enumerate(arguments["image_base"])}}
        for name, offset in NARROW.items():
            await write(offset, arguments[name])
        for offset, value in wide.items():
            await write(offset, value, 8)
        for offset, value in wide.items():
            found = await self.read(offset, 8)
            assert found == value, f"register {offset:#x}: wrote {value:#x}, read {found:#x}"
        await self.write(INTERRUPT_GLOBAL, by_interrupt)
        await self.write(INTERRUPT_ENABLE, by_interrupt)
        await self.write(CONTROL, 1)
        if by_interrupt:
            await with_timeout(RisingEdge(self.dut.interrupt), LONGEST_RUN_NS, "ns")
            await self.write(INTERRUPT_STATUS, 1)
            assert await self.read(CONTROL) & 2, "an interrupt without done"
        else:
            async def done():
                while not await self.read(CONTROL) & 2:
                    pass
            await with_timeout(done(), LONGEST_RUN_NS, "ns")
        code = await self.read(ERROR_CODE)
        violations = int(self.dut.violations.value)
        assert violations == 0, f"{violations} violations of the protocol"
        return code


def move(description, before, after, generator):
    """The run at other addresses: each buffer in a terabyte of its own, with a boundary of pages within, within Y in its own."""
    y_base = description["arguments"]["y_base"]
    moved = {}
    for number, (address, data) in enumerate(before.items()):
        first = y_base - address if address <= y_base < address + len(data) else 0
        boundary = LINE * generator.randrange(first // LINE + 1, max(len(data) // LINE, first // LINE + 2))
        moved[address] = (number + 2) * BUFFER - boundary

    def place(address):
        for base, data in before.items():
            if base <= address < base + len(data):
                return moved[base] + address - base
        return address

    arguments = {**description["arguments"], "image_base": [place(a) for a in description["arguments"]["image_base"]]}
    for name in WIDE:
        arguments[name] = place(arguments[name])
    return arguments, *({moved[address]: data for address, data in memory.items()} for memory in (before, after))


def lay(memory, before, record):
    for address, data in before.items():
        memory[address:address + len(data)] = data
    memory[record:record + 64] = bytes(64)  # as every host does before a start


def compare(name, memory, after, record):
    for address, expected in after.items():
        actual, expected = bytearray(memory[address:address + len(expected)]), bytearray(expected)
        if address <= record < address + len(expected):
            for begin, end in CYCLES:
                for image in (actual, expected):
                    image[record - address + begin:record - address + end] = bytes(end - begin)
        if actual != expected:
            at = next(i for i, pair in enumerate(zip(actual, expected)) if pair[0] != pair[1])
            raise AssertionError(f"{name}: byte {at} of the buffer at {address:#x}: expected {expected[at]:#x}, found {actual[at]:#x}")


async def refuse_one(bench, name, arguments, generator):
    """The same run with memory that answers SLVERR to one of the accesses of the run before."""
    first = arguments["program_base"] + HEADER + INSTRUCTION * arguments["entry"]
    last = first + INSTRUCTION * await bench.read(INSTRUCTIONS)

    def counts(address):  # what is fetched from behind HALT is forgotten
        program = abs(address - arguments["program_base"]) < BUFFER // 2
        return not program or address < arguments["program_base"] + HEADER or first <= address < last

    port = generator.choice([memory for memory in bench.memories if memory.seen])
    port.refused = generator.choice([address for address in sorted(port.seen) if counts(address)])
    code = await bench.run(arguments, by_interrupt=generator.random() < 0.5, in_bytes=False)
    detail = await bench.read(ERROR_DETAIL, 8)
    where = f"{name}: SLVERR to {'a write' if port is bench.gmem_write else 'a read'} of {port.refused:#x}"
    assert code == MEMORY_SLVERR, f"{where}: error code {code}"
    record = arguments["completion_base"]
    if port is bench.gmem_write and record <= port.refused < record + RECORD_BYTES:
        assert detail == record, f"{where}: error detail {detail:#x}, expected that of the record, {record:#x}"
    elif port is bench.gmem_write:  # the burst
        assert detail // PAGE == port.refused // PAGE and detail <= port.refused, f"{where}: error detail {detail:#x}"
    else:  # the line
        assert detail == port.refused // LINE * LINE, f"{where}: error detail {detail:#x}"
    port.refused = None


@cocotb.test()
async def every_run_leaves_the_memory_of_the_functional_device(dut):
    try:
        await check_runs(dut)
    except Exception as error:  # the results have no messages
        print(f"axi_bench: {type(error).__name__} {error}", flush=True)
        raise


async def check_runs(dut):
    generator = random.Random(int(os.environ["RANDOM_SEED"]))
    bench = Bench(dut, generator)
    await bench.reset()
    files = sorted(pathlib.Path(os.environ["XW_AXI_RUNS"]).glob("*.before.xwrun"))
    assert files, "no saved runs"
    changed_bytes = 0
    for number, path in enumerate(files):
        description, before = read_run(path)
        _, after = read_run(path.with_name(path.name.replace("before", "after")))
        if number == 0:
            found = (await bench.read(CONTRACT_HASH, 16)).to_bytes(16, "little")
            assert found.hex() == description["contract_hash"], f"contract hash {found.hex()}"
        arguments, before, after = move(description, before, after, generator)
        record = arguments["completion_base"]
        lay(bench.memory, before, record)
        for memory in bench.memories:
            memory.seen.clear()
        code = await bench.run(arguments, by_interrupt=(number + number // 2) % 2, in_bytes=number % 2)
        assert code == 0, f"{path.name}: error code {code}"
        compare(path.name, bench.memory, after, record)
        changed = sum(a != b for address, data in before.items() for a, b in zip(data, after[address]))
        assert changed, "the run changed nothing"
        changed_bytes += changed
        lay(bench.memory, before, record)
        await refuse_one(bench, path.name, arguments, generator)
    print(f"{len(files)} runs: memory as the functional device leaves it, {changed_bytes} bytes changed; {len(files)} refused accesses told; "
          f"pauses on {len(bench.channels)} channels; {get_sim_time('ns') / PERIOD_NS:.0f} cycles", flush=True)

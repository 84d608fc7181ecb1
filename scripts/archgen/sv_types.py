# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
"""The packed types of the hardware: those of the contract, and those between modules whose widths follow from it."""

from dataclasses import dataclass

from archgen.spec import TYPE_BYTES

# Reserved words of IEEE 1800-2017; a member of that name gets a trailing underscore.
KEYWORDS = frozenset("""accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before begin bind
bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class clocking cmos config const constraint context
continue cover covergroup coverpoint cross deassign default defparam design disable dist do edge else end endcase endchecker endclass
endclocking endconfig endfunction endgenerate endgroup endinterface endmodule endpackage endprimitive endprogram endproperty
endsequence endspecify endtable endtask enum event eventually expect export extends extern final first_match for force foreach forever
fork forkjoin function generate genvar global highz0 highz1 if iff ifnone ignore_bins illegal_bins implements implies import incdir
include initial inout input inside instance int integer interconnect interface intersect join join_any join_none large let liblist
library local localparam logic longint macromodule matches medium modport module nand negedge nettype new nexttime nmos nor
noshowcancelled not notif0 notif1 null or output package packed parameter pmos posedge primitive priority program property protected
pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase randsequence rcmos real realtime ref reg
reject_on release repeat restrict return rnmos rpmos rtran rtranif0 rtranif1 s_always s_eventually s_nexttime s_until s_until_with
scalared sequence shortint shortreal showcancelled signed small soft solve specify specparam static string strong strong0 strong1
struct super supply0 supply1 sync_accept_on sync_reject_on table tagged task this throughout time timeprecision timeunit tran tranif0
tranif1 tri tri0 tri1 triand trior trireg type typedef union unique unique0 unsigned until until_with untyped use uwire var vectored
virtual void wait wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor""".split())


@dataclass(frozen=True)
class Member:
    name: str
    width: int
    type: str  # "" for plain bits
    doc: str

    @property
    def sv_name(self):
        return self.name + "_" if self.name in KEYWORDS else self.name


@dataclass(frozen=True)
class Struct:
    """Members from the lowest bit up, gaps included."""

    name: str
    doc: str
    members: tuple

    @property
    def width(self):
        return sum(m.width for m in self.members)

    def positions(self):
        """(lowest bit, member) of all."""
        at, result = 0, []
        for member in self.members:
            result.append((at, member))
            at += member.width
        return result


def bits_for(largest):
    return largest.bit_length()


def placed(name, doc, items, width):
    """A struct of (lowest bit, member) with the gaps filled."""
    members, at = [], 0

    def fill(until):
        if until > at:
            members.append(Member(f"gap{at}", until - at, "", "0"))

    for low, member in sorted(items, key=lambda item: item[0]):
        fill(low)
        members.append(member)
        at = low + member.width
    fill(width)
    return Struct(name, doc, tuple(members))


def instruction_structs(spec):
    """One struct per opcode that has fields of its own, and `inst_common_t`, which all share."""
    bits = 8 * spec.limit("instruction_bytes")
    member = lambda f: Member(f.name, f.width, "opcode_e" if f.name == "opcode" else "", f.doc)  # noqa: E731
    common = [(f.lsb, member(f)) for f in spec.common]
    structs = [placed("inst_common_t", "What every instruction has.", common, bits)]
    structs += [placed(f"inst_{i.name}_t", i.doc, common + [(f.lsb, member(f)) for f in i.fields], bits)
                for i in spec.instructions if i.fields]
    return structs


def record_structs(spec):
    return [placed(f"{r.name}_t", r.doc,
                   [(8 * f.offset, Member(f.name, 8 * f.bytes, "", f"{f.count} x {f.type}. {f.doc}" if f.count > 1 else f.doc))
                    for f in r.fields], 8 * r.bytes) for r in spec.records]


def record(spec, name):
    return next(r for r in spec.records if r.name == name)


def record_field(spec, record_name, name):
    return next(f for f in record(spec, record_name).fields if f.name == name)


def counters(spec):
    """The scalar counters of the completion record."""
    return [f for f in record(spec, "completion").fields
            if f.type == "u64" and f.count == 1 and not f.name.startswith("error_")]


def internal_structs(spec):
    """Between modules. Streams and channels keep valid and ready beside their payload, but for AXI4, where a bundle holds
    what flows one way; data of a width that the build chooses is a port of its own."""
    width = lambda name: 8 * TYPE_BYTES[record_field(spec, "completion", name).type]  # noqa: E731
    plain = lambda name, bits, doc: Member(name, bits, "", doc)  # noqa: E731
    address = max(r.width for r in spec.arguments() if r.pointer)
    code = Member("code", 8, "error_e", "What is wrong.")
    detail = plain("detail", width("error_detail"), "Address or offending value.")
    ax = Struct("axi_ax_t", "Address channels of AXI4: an INCR burst of whole beats.",
                (plain("len", 8, "Beats - 1."), plain("addr", address, "Of the first byte.")))
    image = {f.name: 8 * f.bytes for f in record(spec, "block_image_header").fields}
    rows, cols = bits_for(spec.limit("max_rows")), bits_for(spec.limit("max_cols"))
    return [
        Struct("fault_t", "Why an instruction failed.", (code, detail)),
        Struct("error_report_t", "An instruction that failed.",
               (code, plain("unit", 8, "That executed it."), plain("index", width("error_instruction"), "Of the instruction."), detail)),
        Struct("arguments_t", "Arguments of a run.",
               tuple(plain(r.name, r.width * r.count, r.doc + (f" {r.count} x {r.width} bits." if r.count > 1 else ""))
                     for r in spec.arguments())),
        Struct("counters_t", "Counters of a run that the completion record holds.",
               tuple(plain(f.name, 64, f.doc) for f in counters(spec))),
        Struct("block_descriptor_t", "What a context knows of its block: its header, without what the loader has checked.",
               (plain("rows", rows, ""), plain("cols", cols, ""), plain("tile_uid", image["tile_uid"], ""),
                plain("row0", image["row0"], ""), plain("col0", image["col0"], ""),
                plain("adc_shift", bits_for(constant(spec, "max_adc_shift")), ""),
                plain("adc_bits", bits_for(constant(spec, "max_adc_bits")), ""),
                plain("read_sigma_q", image["read_sigma_q"], ""))),
        ax,
        Struct("axi_read_req_t", "To memory: AR, and R's ready.",
               (plain("r_ready", 1, ""), Member("ar", ax.width, ax.name, ""), plain("ar_valid", 1, ""))),
        Struct("axi_read_rsp_t", "From memory: R without its data, and AR's ready.",
               (plain("ar_ready", 1, ""), plain("r_last", 1, ""), plain("r_resp", 2, "[1]: faulty, then [0]: DECERR, otherwise SLVERR."),
                plain("r_valid", 1, ""))),
        Struct("axi_write_req_t", "To memory: AW, W without data and strobes, and B's ready.",
               (plain("b_ready", 1, ""), plain("w_last", 1, ""), plain("w_valid", 1, ""), Member("aw", ax.width, ax.name, ""),
                plain("aw_valid", 1, ""))),
        Struct("axi_write_rsp_t", "From memory: B, and the ready of AW and W.",
               (plain("aw_ready", 1, ""), plain("w_ready", 1, ""), plain("b_resp", 2, "As r_resp."), plain("b_valid", 1, ""))),
    ]


def constant(spec, name):
    return next(c.value for c in spec.formats if c.name == name)


def all_structs(spec):
    return instruction_structs(spec) + record_structs(spec) + internal_structs(spec)

// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// Decodes instructions, checks what does not need a unit, and hands them to the queues of their units.
///
/// Queue 0 is X load, 1 Y store, 2 + e the block loader and 2 + NumEngines + e the MVM unit of engine e.
/// Checks and their order: `xw::program::decode`, then the engine number. At HALT, when all units are idle,
/// the semaphores must be zero. After an error or HALT nothing more is dispatched until start_i.
module xw_dispatch #(
  parameter int unsigned NumEngines = 4,
  localparam int unsigned Queues = 2 + 2 * NumEngines
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  output logic               needs_clock_o,  // clk_i may stand still in cycles without
  input  logic               start_i,
  input  logic [31:0]        entry_i,
  input  logic               stop_i,           // dispatches nothing more
  // From fetch
  input  logic               valid_i,
  output logic               ready_o,
  input  logic [127:0]       instruction_i,
  input  logic [31:0]        index_i,
  input  logic               fault_i,
  input  logic [7:0]         fault_code_i,
  input  logic [63:0]        fault_detail_i,
  // To the queues
  output logic [Queues-1:0]  push_valid_o,
  input  logic [Queues-1:0]  push_ready_i,
  output logic [127:0]       push_instruction_o,
  output logic [31:0]        push_index_o,
  // FENCE, HALT
  input  logic               all_idle_i,       // no queue holds an instruction, no loader is at work
  output logic               check_o,          // asks the semaphores for leftovers
  input  logic               leftover_i,
  input  logic [5:0]         leftover_id_i,
  // Results
  output logic               dispatched_o,     // one cycle per instruction, HALT included
  output logic               starved_o,        // waits for fetch
  output logic [31:0]        index_o,          // the instruction that comes next
  output logic               halted_o,         // HALT is done
  output logic               error_o,          // one cycle, at index_o
  output logic [7:0]         error_code_o,
  output logic [63:0]        error_detail_o
);
  typedef enum logic [1:0] {
    StIdle,  // nothing to dispatch
    StRun    // one instruction per cycle
  } state_e;
  state_e state_q;

  // The instruction looked at.
  logic         valid_q, fault_q;
  logic [127:0] instruction_q;
  logic [31:0]  index_q;
  logic [7:0]   fault_code_q;
  logic [63:0]  fault_detail_q;

  logic [3:0]   opcode;
  logic [7:0]   engine, unit, unit_engine;
  logic         waits_or_signals, at_dispatch, sync_known, sync_engine;
  logic [127:0] mask;
  assign opcode           = instruction_q[xw_pkg::INST_OPCODE_LSB +: 4];
  assign engine           = instruction_q[xw_pkg::MVM_ENGINE_LSB +: 8];
  assign unit             = instruction_q[xw_pkg::SYNC_UNIT_LSB +: 8];
  assign waits_or_signals = instruction_q[xw_pkg::INST_WAIT0_COUNT_LSB +: 3] != '0 ||
                            instruction_q[xw_pkg::INST_WAIT1_COUNT_LSB +: 3] != '0 ||
                            instruction_q[xw_pkg::INST_SIGNAL_LSB];
  assign at_dispatch      = opcode == xw_pkg::OPCODE_NOP || opcode == xw_pkg::OPCODE_FENCE ||
                            opcode == xw_pkg::OPCODE_HALT;
  assign sync_engine      = 32'(unit) >= xw_pkg::UNIT_BLOCK_LOAD;
  assign sync_known       = unit == xw_pkg::UNIT_X_LOAD[7:0] || unit == xw_pkg::UNIT_Y_STORE[7:0] ||
                            (sync_engine && 32'(unit) < xw_pkg::NUM_UNITS);
  assign unit_engine      = (32'(unit) >= xw_pkg::UNIT_MVM) ? unit - xw_pkg::UNIT_MVM[7:0] :
                                                              unit - xw_pkg::UNIT_BLOCK_LOAD[7:0];
  always_comb begin
    unique case (opcode)
      xw_pkg::OPCODE_NOP:        mask = xw_pkg::NOP_MASK;
      xw_pkg::OPCODE_SYNC:       mask = xw_pkg::SYNC_MASK;
      xw_pkg::OPCODE_LOAD_X:     mask = xw_pkg::LOAD_X_MASK;
      xw_pkg::OPCODE_LOAD_BLOCK: mask = xw_pkg::LOAD_BLOCK_MASK;
      xw_pkg::OPCODE_MVM:        mask = xw_pkg::MVM_MASK;
      xw_pkg::OPCODE_STORE_Y:    mask = xw_pkg::STORE_Y_MASK;
      xw_pkg::OPCODE_FENCE:      mask = xw_pkg::FENCE_MASK;
      default:                   mask = xw_pkg::HALT_MASK;
    endcase
  end

  // --- checks -----------------------------------------------------------------------------------
  logic [7:0]  code;
  logic [63:0] detail;
  always_comb begin
    code   = xw_pkg::ERROR_OK[7:0];
    detail = 64'(instruction_q[31:0]);
    if (fault_q) begin
      code   = fault_code_q;
      detail = fault_detail_q;
    end else if (32'(opcode) >= xw_pkg::NUM_OPCODES) begin
      code = xw_pkg::ERROR_ILLEGAL_OPCODE[7:0];
    end else if ((instruction_q & ~mask) != '0 || (at_dispatch && waits_or_signals) ||
                 (opcode == xw_pkg::OPCODE_SYNC && !sync_known)) begin
      code = xw_pkg::ERROR_ILLEGAL_FIELD[7:0];
    end else if (opcode == xw_pkg::OPCODE_SYNC && sync_engine && 32'(unit_engine) >= NumEngines) begin
      code   = xw_pkg::ERROR_BAD_ENGINE[7:0];
      detail = 64'(unit);
    end else if ((opcode == xw_pkg::OPCODE_LOAD_BLOCK || opcode == xw_pkg::OPCODE_MVM) &&
                 32'(engine) >= NumEngines) begin
      code   = xw_pkg::ERROR_BAD_ENGINE[7:0];
      detail = 64'(engine);
    end
  end

  // --- queue ------------------------------------------------------------------------------------
  logic [Queues-1:0] target;
  always_comb begin
    target = '0;
    if (valid_q) begin
      unique case (opcode)
        xw_pkg::OPCODE_LOAD_X:  target[0] = 1'b1;
        xw_pkg::OPCODE_STORE_Y: target[1] = 1'b1;
        xw_pkg::OPCODE_SYNC: begin
          target[0] = unit == xw_pkg::UNIT_X_LOAD[7:0];
          target[1] = unit == xw_pkg::UNIT_Y_STORE[7:0];
          for (int unsigned e = 0; e < NumEngines; e++) begin
            target[2 + e]              = 32'(unit) == xw_pkg::UNIT_BLOCK_LOAD + e;
            target[2 + NumEngines + e] = 32'(unit) == xw_pkg::UNIT_MVM + e;
          end
        end
        xw_pkg::OPCODE_LOAD_BLOCK, xw_pkg::OPCODE_MVM: begin
          for (int unsigned e = 0; e < NumEngines; e++) begin
            target[2 + e]              = opcode == xw_pkg::OPCODE_LOAD_BLOCK && 32'(engine) == e;
            target[2 + NumEngines + e] = opcode == xw_pkg::OPCODE_MVM && 32'(engine) == e;
          end
        end
        default: target = '0;
      endcase
    end
  end

  logic look, good, barrier, consume;
  assign look         = state_q == StRun && valid_q && !stop_i;
  assign good         = code == xw_pkg::ERROR_OK[7:0];
  assign barrier      = opcode == xw_pkg::OPCODE_FENCE || opcode == xw_pkg::OPCODE_HALT;
  assign push_valid_o = (look && good) ? target : '0;
  assign check_o      = look && good && opcode == xw_pkg::OPCODE_HALT && all_idle_i;
  assign consume      = look && good && ((target & push_ready_i) != '0 || opcode == xw_pkg::OPCODE_NOP ||
                                         (barrier && all_idle_i));
  assign ready_o      = state_q == StRun && !stop_i && (!valid_q || (consume && opcode != xw_pkg::OPCODE_HALT));

  assign error_o        = (look && !good) || (check_o && leftover_i);
  assign error_code_o   = good ? xw_pkg::ERROR_SEMAPHORE_LEFTOVER[7:0] : code;
  assign error_detail_o = good ? 64'(leftover_id_i) : detail;
  assign halted_o       = check_o && !leftover_i;
  assign dispatched_o   = consume || (look && !good && !fault_q);
  assign starved_o      = state_q == StRun && !valid_q;
  assign index_o        = index_q;

  assign push_instruction_o = instruction_q;
  assign push_index_o       = index_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q        <= StIdle;
      valid_q        <= 1'b0;
      fault_q        <= 1'b0;
      instruction_q  <= '0;
      index_q        <= '0;
      fault_code_q   <= '0;
      fault_detail_q <= '0;
    end else begin
      if (consume) begin
        valid_q <= 1'b0;
        index_q <= index_q + 32'd1;
      end
      if (valid_i && ready_o) begin
        valid_q        <= 1'b1;
        instruction_q  <= instruction_i;
        index_q        <= index_i;
        fault_q        <= fault_i;
        fault_code_q   <= fault_code_i;
        fault_detail_q <= fault_detail_i;
      end
      unique case (state_q)
        StIdle: if (start_i) begin
          state_q <= StRun;
          valid_q <= 1'b0;
          index_q <= entry_i;
        end
        StRun: if (stop_i || error_o || halted_o) begin
          state_q <= StIdle;
          valid_q <= 1'b0;
        end
        default: state_q <= StIdle;
      endcase
    end
  end
  assign needs_clock_o = start_i || consume || (valid_i && ready_o) || (state_q == StRun && (stop_i || error_o || halted_o));
endmodule

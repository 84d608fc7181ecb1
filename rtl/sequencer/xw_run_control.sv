// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0

/// The course of a run: check of the arguments, instructions, end of all transfers, completion record.
///
/// A run always ends: when nothing moves any more the watchdog ends the phase, and done_o comes even if
/// memory never answers (then without a record; the error registers tell). The next run begins when memory has
/// answered what it still owes to this one.
module xw_run_control #(
  parameter int unsigned NumEngines = 4,
  parameter int unsigned MaxBatch   = 64
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  output logic               needs_clock_o,   // clk_i may stand still in cycles without
  // From and to the registers
  input  logic               start_i,
  output logic               idle_o,
  output logic               done_o,          // one cycle
  // Arguments
  input  xw_pkg::arguments_t arguments_i,
  // Units
  output logic               clear_o,         // one cycle: state of the last run is forgotten
  output logic               begin_o,         // one cycle: fetch and dispatch begin
  output logic               run_o,           // instructions are executed
  output logic               stop_fetch_o,
  output logic               stop_dispatch_o,
  output logic               abort_o,         // one cycle: all units drop what they do
  input  logic               halted_i,        // HALT is done
  input  logic [31:0]        dispatch_index_i,  // of HALT when it is done
  input  logic               settled_i,       // nothing before the failed instruction is left
  input  logic               units_idle_i,    // no transfer of a unit is under way
  input  logic               store_idle_i,    // the Y store does not use the write channel
  input  logic               fetch_idle_i,
  // Errors
  input  logic               error_valid_i,
  output logic               error_o,         // of arguments or the record, one cycle, a cycle after it was found
  output logic [31:0]        error_index_o,
  output xw_pkg::fault_t     fault_o,
  // Watchdog
  output logic               watch_o,         // something must move
  output logic               watch_restart_o,
  input  logic               watch_fire_i,
  output logic               watch_error_o,   // the verdict counts
  // Record
  output logic               record_phase_o,  // owns the write channel
  input  logic               record_owns_i,   // memory owes answers to a record that was stopped
  output logic               record_start_o,
  output logic               record_stop_o,
  input  logic               record_done_i,
  input  logic               record_error_i,
  input  logic               record_decerr_i,
  output logic               count_o          // the run's cycles count
);
  typedef enum logic [3:0] {
    StIdle,     // waits for start
    StCheck,    // checks the arguments
    StBegin,    // starts fetch and dispatch, when memory has answered the last run's
    StRun,      // executes instructions
    StAbort,    // after an error: stops all units
    StDrain,    // waits for transfers under way
    StSettle,   // lets the counters come to rest
    StRecord,   // starts the record
    StWrite,    // waits for it
    StQuiet,    // waits for fetch
    StDone      // tells the registers
  } state_e;
  state_e state_q;
  logic [1:0]  settle_q;
  logic        halted_q;
  logic        owner_q;  // the write channel was free when the record's turn came: until the end of the run it is the record's
  logic        began_q;  // the first cycle of the instructions
  logic        ready_q;  // nothing of the last run was under way in the last cycle, and nothing new is until it began

  // --- arguments --------------------------------------------------------------------------------
  localparam int unsigned ALIGN_BITS = $clog2(xw_pkg::MEMORY_ALIGNMENT);
  logic misaligned_record;
  assign misaligned_record = arguments_i.completion_base[ALIGN_BITS-1:0] != '0;

  xw_pkg::fault_t fault;
  always_comb begin
    fault      = '0;
    fault.code = xw_pkg::ERROR_OK;
    if (state_q == StCheck) begin
      for (int unsigned e = NumEngines; e > 0; e--) begin
        if (arguments_i.image_base[64*(e-1) +: ALIGN_BITS] != '0) begin
          fault.code   = xw_pkg::ERROR_MISALIGNED;
          fault.detail = arguments_i.image_base[64*(e-1) +: 64];
        end
      end
      if (misaligned_record) begin
        fault.code   = xw_pkg::ERROR_MISALIGNED;
        fault.detail = arguments_i.completion_base;
      end
      if (arguments_i.y_base[ALIGN_BITS-1:0] != '0) begin
        fault.code   = xw_pkg::ERROR_MISALIGNED;
        fault.detail = arguments_i.y_base;
      end
      if (arguments_i.x_base[ALIGN_BITS-1:0] != '0) begin
        fault.code   = xw_pkg::ERROR_MISALIGNED;
        fault.detail = arguments_i.x_base;
      end
      if (arguments_i.program_base[ALIGN_BITS-1:0] != '0) begin
        fault.code   = xw_pkg::ERROR_MISALIGNED;
        fault.detail = arguments_i.program_base;
      end
      if (arguments_i.num_vectors == '0 || arguments_i.num_vectors > MaxBatch) begin
        fault.code   = xw_pkg::ERROR_BAD_NUM_VECTORS;
        fault.detail = 64'(arguments_i.num_vectors);
      end
    end else if (state_q == StBegin && watch_fire_i) begin
      fault.code   = xw_pkg::ERROR_WATCHDOG;
    end else if (state_q == StWrite && record_done_i && record_error_i) begin
      fault.code   = xw_pkg::memory_error(record_decerr_i);
      fault.detail = arguments_i.completion_base;
    end else if (state_q == StWrite && watch_fire_i) begin
      fault.code   = xw_pkg::ERROR_WATCHDOG;
      fault.detail = arguments_i.completion_base;
    end
  end

  logic argument_error, begin_error, record_error;
  assign begin_error    = state_q == StBegin && watch_fire_i;
  assign argument_error = state_q == StCheck && fault.code != xw_pkg::ERROR_OK;
  assign record_error   = state_q == StWrite && !error_valid_i &&
                          ((record_done_i && record_error_i) || (!record_done_i && watch_fire_i));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q       <= StIdle;
      settle_q      <= '0;
      halted_q      <= 1'b0;
      owner_q       <= 1'b0;
      began_q       <= 1'b0;
      ready_q       <= 1'b0;
      error_o       <= 1'b0;
      error_index_o <= '0;
      fault_o       <= '0;
    end else begin
      began_q <= begin_o;
      ready_q <= fetch_idle_i && units_idle_i && !record_owns_i;
      error_o <= argument_error || begin_error || record_error;
      if (argument_error || begin_error || record_error) begin
        error_index_o <= (state_q == StWrite && halted_q) ? dispatch_index_i : arguments_i.entry;
        fault_o       <= fault;
      end
      if (state_q == StSettle && settle_q == '1)     owner_q <= store_idle_i && !record_owns_i;
      else if (state_q == StDone || state_q == StIdle) owner_q <= 1'b0;
      unique case (state_q)
        StIdle: begin
          halted_q <= 1'b0;
          if (start_i) state_q <= StCheck;
        end
        StCheck: state_q <= argument_error ? StSettle : StBegin;
        StBegin: begin
          if (watch_fire_i) state_q <= StAbort;
          else if (ready_q) state_q <= StRun;
        end
        StRun: begin
          if (watch_fire_i || (error_valid_i && settled_i)) state_q <= StAbort;
          else if (halted_i) begin
            state_q  <= StSettle;
            halted_q <= 1'b1;
          end
        end
        StAbort: state_q <= StDrain;
        StDrain: if ((units_idle_i && fetch_idle_i) || watch_fire_i) state_q <= StSettle;
        StSettle: begin
          settle_q <= settle_q + 2'd1;
          if (settle_q == '1) state_q <= StRecord;
        end
        StRecord: state_q <= (!misaligned_record && owner_q) ? StWrite : StQuiet;
        StWrite:  if (record_done_i || watch_fire_i) state_q <= StQuiet;
        StQuiet:  if (fetch_idle_i || watch_fire_i) state_q <= StDone;
        StDone:   state_q <= StIdle;
        default:  state_q <= StIdle;
      endcase
    end
  end

  assign idle_o          = state_q == StIdle;
  assign done_o          = state_q == StDone;
  assign clear_o         = state_q == StIdle && start_i;
  assign begin_o         = state_q == StBegin && ready_q && !watch_fire_i;
  assign run_o           = state_q == StRun;
  assign stop_fetch_o    = state_q == StAbort || (state_q == StSettle && settle_q == '0 && halted_q);
  assign stop_dispatch_o = state_q != StRun || error_valid_i;
  assign abort_o         = state_q == StAbort;
  assign watch_o         = state_q == StBegin || state_q == StRun || state_q == StDrain || state_q == StWrite || state_q == StQuiet;
  assign watch_restart_o = state_q == StCheck || began_q || state_q == StAbort || state_q == StRecord || record_done_i;
  assign watch_error_o   = state_q == StRun && watch_fire_i;
  // A burst of the Y store that memory does not take stays on the channel, and so does one of a record.
  assign record_phase_o  = record_owns_i || owner_q;
  assign record_start_o  = state_q == StRecord && !misaligned_record && owner_q;
  assign record_stop_o   = state_q == StWrite && watch_fire_i;
  assign count_o         = state_q != StIdle && state_q != StRecord && state_q != StWrite && state_q != StQuiet;
  assign needs_clock_o   = start_i || error_o || began_q || (state_q != StIdle && state_q != StRun) || watch_fire_i || halted_i || error_valid_i;
endmodule

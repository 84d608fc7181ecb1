// The files of a command, compared with each other before anything is read or written.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace xw {

/// What an output holds; it may only replace a file of its own kind (or an empty one).
enum class OutputKind {
  kText,        ///< JSON, CSV, timelines: replaces text, nothing binary
  kProgram,     ///< starts like a program
  kCapture,     ///< starts like a saved run
  kCheckpoint,  ///< starts like a safetensors file
  kWaveform,    ///< starts like an FST file
  kTable,       ///< starts like a database of SQLite
};

/// Whether a file of this name, without folders, is part of a checkpoint where it stands in its folder: configuration,
/// weights, their index, tokenizer, chat template.
[[nodiscard]] bool is_checkpoint_file(std::string_view name);

/// Inputs and outputs of one command. A path counts as the same file under any name: through links, hard links, "..".
class FileRoles {
 public:
  /// `what` names it in messages: "--tokenizer", "the checkpoint". An empty path is ignored. Of a folder, every
  /// checkpoint file in it is an input, as is what it links to; of a file, also the checkpoint files beside it, both where
  /// its name stands and where that leads through links. Other files of the folder are none: results may stand there.
  void add_input(const std::string& what, const std::filesystem::path& path);
  /// An empty path and "-" (standard output) are ignored.
  void add_output(const std::string& what, const std::filesystem::path& path, OutputKind kind);
  /// Throws Error{kInvalidArgument} for an output that is an input (but a program, a saved run or a waveform may replace
  /// one of its kind under the name of a checkpoint file), that is another output or that would replace a file
  /// of another kind; Error{kIo} for one that cannot be written: its folder is missing or not writable, it is a folder,
  /// a device or a pipe. Writes nothing.
  void check() const;

  /// An input under the name that it was given.
  struct Input {
    std::string what;
    std::filesystem::path path;
  };
  /// In the order in which they were added.
  [[nodiscard]] std::vector<Input> inputs() const;

 private:
  struct File {
    std::string what;
    std::filesystem::path path;
    OutputKind kind = OutputKind::kText;
  };
  std::vector<File> inputs_, outputs_;
};

}  // namespace xw

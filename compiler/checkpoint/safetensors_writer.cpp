// Writing safetensors files.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/safetensors_writer.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "arch/support/error.hpp"
#include "compiler/checkpoint/byte_reader.hpp"

namespace xw::checkpoint {

bool is_safetensors_dtype(Dtype dtype) {
  return block_elements(dtype) == 1;
}

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path, std::vector<TensorSpec> specs,
                                     const std::map<std::string, std::string>& metadata)
    : file_(path), specs_(std::move(specs)) {
  nlohmann::json header = nlohmann::json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const TensorSpec& spec : specs_) {
    const std::string what = path.string() + ": tensor \"" + printable(spec.name) + "\"";
    if (!is_safetensors_dtype(spec.dtype))
      throw Error(ErrorCode::kInvalidArgument, what + ": safetensors files have no element type " + name(spec.dtype));
    if (!is_valid_utf8(spec.name)) throw Error(ErrorCode::kInvalidArgument, what + ": expected a name in UTF-8");
    std::uint64_t bytes = block_bytes(spec.dtype);
    for (const std::uint64_t size : spec.shape) bytes *= size;
    if (header.contains(spec.name))
      throw Error(ErrorCode::kInvalidArgument, what + ": expected it once, found it twice");
    header[spec.name] = {
        {"dtype", name(spec.dtype)}, {"shape", spec.shape}, {"data_offsets", {offset, offset + bytes}}};
    bytes_.push_back(bytes);
    offset += bytes;
  }
  constexpr std::size_t kAlignment = 8;  // of the data, as the format's own writer has it
  std::string text = header.dump();
  text.resize((text.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  const std::uint64_t length = text.size();
  file_.write(std::as_bytes(std::span(&length, 1)));
  file_.write(text);
}

void SafetensorsWriter::pass_finished() {
  while (next_ < specs_.size() && bytes_[next_] == written_) {  // also tensors without elements
    ++next_;
    written_ = 0;
  }
}

void SafetensorsWriter::add(const std::string& name, std::span<const std::byte> bytes) {
  pass_finished();
  if (next_ == specs_.size() || specs_[next_].name != name || bytes.size() > bytes_[next_] - written_) {
    throw Error(ErrorCode::kInternal,
                "writing tensors: expected " +
                    (next_ == specs_.size() ? std::string("no more") : "data of '" + specs_[next_].name + "'") +
                    ", found " + std::to_string(bytes.size()) + " bytes of '" + name + "'");
  }
  file_.write(bytes);
  written_ += bytes.size();
}

void SafetensorsWriter::commit() {
  pass_finished();
  if (next_ != specs_.size())
    throw Error(ErrorCode::kInternal, "writing tensors: '" + specs_[next_].name + "' has not all of its data");
  file_.commit();
}

}  // namespace xw::checkpoint

// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <set>

#include "arch/support/checksum.hpp"
#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "compiler/program/container.hpp"
#include "compiler/program/manifest_json.hpp"
#include "compiler/program/program.hpp"
#include "compiler/program/validate.hpp"

namespace xw::program {
namespace {

std::span<const std::byte> text_bytes(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

struct ProgramWriter::Impl {
  std::string path;
  OutputFile file;
  std::vector<ConstantEntry> constants;
  std::set<std::string> constant_names;
  std::uint64_t constant_written = 0;  // bytes of the last constant that are there
  std::vector<SectionEntry> sections;

  explicit Impl(const std::filesystem::path& target) : path(target.string()), file(target) {}

  [[noreturn]] void misuse(const std::string& what) const { throw Error(ErrorCode::kInternal, path + ": " + what); }

  void require_complete_constant() const {
    if (!constants.empty() && constant_written != constants.back().bytes) {
      misuse("constant " + constants.back().name + " has " + std::to_string(constant_written) + " of " +
             std::to_string(constants.back().bytes) + " bytes");
    }
  }

  Stored add(std::span<const std::byte> bytes) {
    require_complete_constant();
    file.pad_to(kSectionAlignment);
    Stored stored{file.size() - kBulkOffset, crc32(bytes)};
    file.write(bytes);
    return stored;
  }

  void begin_section(std::uint64_t offset, std::uint64_t bytes, std::uint32_t crc, SectionCheck check) {
    SectionEntry entry;
    const std::string_view section = kSectionNames[sections.size()];
    std::copy(section.begin(), section.end(), entry.name.begin());
    entry.offset = offset;
    entry.bytes = bytes;
    entry.crc = crc;
    entry.check = static_cast<std::uint32_t>(check);
    sections.push_back(entry);
  }

  void write_section(std::span<const std::byte> bytes) {
    file.pad_to(kSectionAlignment);
    begin_section(file.size(), bytes.size(), crc32(bytes), SectionCheck::kWhole);
    file.write(bytes);
  }
};

ProgramWriter::ProgramWriter(const std::filesystem::path& target) : impl_(std::make_unique<Impl>(target)) {
  const std::vector<std::byte> head(kBulkOffset);  // patched by finish()
  impl_->file.write(head);
}

ProgramWriter::~ProgramWriter() = default;

ProgramWriter::Stored ProgramWriter::add_targets(std::span<const std::int16_t> targets) {
  return impl_->add(std::as_bytes(targets));
}
ProgramWriter::Stored ProgramWriter::add_targets(std::span<const std::int8_t> targets) {
  return impl_->add(std::as_bytes(targets));
}

void ProgramWriter::begin_constant(const std::string& name, ConstantType type, std::vector<std::uint64_t> shape) {
  impl_->require_complete_constant();
  if (!impl_->constant_names.insert(name).second) impl_->misuse("constant " + name + " is added twice");
  ConstantEntry entry;
  entry.name = name;
  entry.type = type;
  entry.shape = std::move(shape);
  if (!tensor_bytes(type, entry.shape, entry.bytes)) impl_->misuse("constant " + name + " is too large");
  impl_->file.pad_to(kSectionAlignment);
  entry.offset = impl_->file.size() - kBulkOffset;
  impl_->constants.push_back(std::move(entry));
  impl_->constant_written = 0;
}

void ProgramWriter::add_constant_data(std::span<const std::byte> data) {
  if (impl_->constants.empty()) impl_->misuse("constant data without a constant");
  ConstantEntry& entry = impl_->constants.back();
  if (data.size() > entry.bytes - impl_->constant_written)
    impl_->misuse("constant " + entry.name + " gets more data than its shape has");
  entry.crc = crc32(data, entry.crc);
  impl_->constant_written += data.size();
  impl_->file.write(data);
}

void ProgramWriter::finish(const Manifest& manifest, const std::string& graph_text,
                           std::span<const EncodedInstruction> code, std::span<const BlockRecord> blocks,
                           std::span<const ImageRecord> images, std::span<const ColumnRecord> columns,
                           std::span<const std::byte> tokenizer) {
  Impl& impl = *impl_;
  impl.require_complete_constant();
  const std::uint64_t bulk_bytes = impl.file.size() - kBulkOffset;
  try {
    validate({manifest, code, blocks, images, columns, bulk_bytes}, impl.path);
  } catch (const Error& error) {
    impl.misuse(std::string("refusing to write an inconsistent program: ") + error.what());
  }
  impl.begin_section(kBulkOffset, bulk_bytes, 0, SectionCheck::kPieces);
  impl.write_section(text_bytes(manifest_to_json(manifest)));
  impl.write_section(text_bytes(graph_text));
  impl.write_section(std::as_bytes(code));
  impl.write_section(std::as_bytes(blocks));
  impl.write_section(std::as_bytes(images));
  impl.write_section(std::as_bytes(columns));
  impl.write_section(text_bytes(constants_to_json(impl.constants)));
  impl.write_section(tokenizer);
  impl.file.pad_to(kSectionAlignment);
  impl.file.write_at(0, seal_container(impl.sections, impl.file.size()));
  impl.file.commit();
}

}  // namespace xw::program

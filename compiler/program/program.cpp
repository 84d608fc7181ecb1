// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/program/program.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

#include "arch/support/checksum.hpp"
#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "compiler/program/container.hpp"
#include "compiler/program/manifest_json.hpp"
#include "compiler/program/validate.hpp"

namespace xw::program {
namespace {

constexpr std::array<const char*, 3> kWeightModes = {"analog", "w8", "w4"};

/// Bytes in memory at page alignment, as a map would have them.
class AlignedBytes {
 public:
  explicit AlignedBytes(std::span<const std::byte> source)
      : size_(source.size()),
        data_(
            static_cast<std::byte*>(::operator new (std::max<std::size_t>(size_, 1), std::align_val_t{kBulkOffset}))) {
    if (!source.empty()) std::memcpy(data_, source.data(), source.size());
  }
  ~AlignedBytes() { ::operator delete (data_, std::align_val_t{kBulkOffset}); }
  AlignedBytes(const AlignedBytes&) = delete;
  AlignedBytes& operator=(const AlignedBytes&) = delete;
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  std::size_t size_;
  std::byte* data_;
};

/// A section as a table of records; its bytes are aligned because sections are.
template <typename T>
std::span<const T> records(const SectionView& section, const std::string& origin) {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= kSectionAlignment);
  if (section.bytes.size() % sizeof(T) != 0) {
    throw_format(origin, "section " + section.name,
                 "expected a multiple of " + std::to_string(sizeof(T)) + " bytes, found " +
                     std::to_string(section.bytes.size()));
  }
  return {reinterpret_cast<const T*>(section.bytes.data()), section.bytes.size() / sizeof(T)};
}

}  // namespace

const char* name(WeightMode mode) {
  return kWeightModes.at(static_cast<std::size_t>(mode));
}

WeightMode weight_mode_from(const std::string& name) {
  for (std::size_t i = 0; i < kWeightModes.size(); ++i) {
    if (name == kWeightModes[i]) return static_cast<WeightMode>(i);
  }
  throw Error(ErrorCode::kInvalidArgument, "weight mode: expected analog, w8 or w4, found \"" + name + "\"");
}

struct Program::Impl {
  std::string path;
  std::optional<MappedFile> map;  // one of the two holds the file
  std::unique_ptr<AlignedBytes> memory;
  std::span<const std::byte> file;
  std::span<const std::byte> bulk;
  std::uint64_t bulk_offset = 0;
  Manifest manifest;
  std::string graph_text;
  std::span<const EncodedInstruction> code;
  std::span<const BlockRecord> blocks;
  std::span<const ImageRecord> images;
  std::span<const ColumnRecord> columns;
  std::span<const std::byte> tokenizer;
  std::map<std::string, Constant> constants;
  std::vector<Section> sections;

  void open();
  void open_constants(const SectionView& section);
  [[nodiscard]] std::span<const std::byte> targets(const BlockRecord& block) const {
    return bulk.subspan(block.target_offset, std::size_t{block.rows} * block.cols * target_bytes(manifest.weight_mode));
  }
};

void Program::Impl::open() {
  const std::vector<SectionView> views = open_container(file, path);
  for (const SectionView& view : views) sections.push_back({view.name, view.offset, view.bytes.size()});
  bulk = views[0].bytes;
  bulk_offset = views[0].offset;
  manifest = manifest_from_json(views[1].bytes, path);
  graph_text.assign(reinterpret_cast<const char*>(views[2].bytes.data()), views[2].bytes.size());
  code = records<EncodedInstruction>(views[3], path);
  blocks = records<BlockRecord>(views[4], path);
  images = records<ImageRecord>(views[5], path);
  columns = records<ColumnRecord>(views[6], path);
  open_constants(views[7]);
  tokenizer = views[8].bytes;
  validate({manifest, code, blocks, images, columns, bulk.size()}, path);
}

void Program::Impl::open_constants(const SectionView& section) {
  for (ConstantEntry& entry : constants_from_json(section.bytes, path)) {
    const std::string place = "constant " + entry.name;
    if (entry.offset % kSectionAlignment != 0) throw_format(path, place, "data are not aligned to 64 bytes");
    if (entry.offset > bulk.size() || entry.bytes > bulk.size() - entry.offset) {
      throw_format(path, place, "data are beyond the bulk section");
    }
    const auto data = bulk.subspan(entry.offset, entry.bytes);
    if (crc32(data) != entry.crc) throw_format(path, place, "data do not have their CRC");
    const bool is_new =
        constants.emplace(std::move(entry.name), Constant{entry.type, std::move(entry.shape), data}).second;
    if (!is_new) throw_format(path, place, "appears twice");
  }
}

Program::Program() : impl_(std::make_unique<Impl>()) {}
Program::~Program() = default;

std::shared_ptr<const Program> Program::open(const std::filesystem::path& path) {
  std::shared_ptr<Program> program(new Program());
  Impl& impl = *program->impl_;
  impl.path = path.string();
  impl.map.emplace(path);
  impl.file = impl.map->bytes();
  impl.open();
  return program;
}

std::shared_ptr<const Program> Program::from_bytes(std::vector<std::byte> bytes, const std::string& origin) {
  std::shared_ptr<Program> program(new Program());
  Impl& impl = *program->impl_;
  impl.path = origin;
  impl.memory = std::make_unique<AlignedBytes>(bytes);
  impl.file = impl.memory->bytes();
  impl.open();
  return program;
}

const Manifest& Program::manifest() const {
  return impl_->manifest;
}
const std::string& Program::graph_text() const {
  return impl_->graph_text;
}
std::span<const EncodedInstruction> Program::code() const {
  return impl_->code;
}
std::span<const BlockRecord> Program::blocks() const {
  return impl_->blocks;
}
std::span<const ImageRecord> Program::images() const {
  return impl_->images;
}
std::span<const ColumnRecord> Program::columns() const {
  return impl_->columns;
}
const std::map<std::string, Constant>& Program::constants() const {
  return impl_->constants;
}
std::span<const std::byte> Program::tokenizer() const {
  return impl_->tokenizer;
}
const std::string& Program::path() const {
  return impl_->path;
}
std::uint64_t Program::file_bytes() const {
  return impl_->file.size();
}
std::uint32_t Program::identity() const {
  // Without its own CRC at the end: over both together the CRC of any header is the same.
  return crc32(impl_->file.first(kFileHeaderBytes - sizeof(FileHeader::header_crc)));
}
const std::vector<Program::Section>& Program::sections() const {
  return impl_->sections;
}

std::span<const std::int16_t> Program::targets16(const BlockRecord& block) const {
  if (impl_->manifest.weight_mode != WeightMode::kAnalog) return {};
  const auto bytes = impl_->targets(block);
  return {reinterpret_cast<const std::int16_t*>(bytes.data()), bytes.size() / sizeof(std::int16_t)};
}

std::span<const std::int8_t> Program::targets8(const BlockRecord& block) const {
  if (impl_->manifest.weight_mode == WeightMode::kAnalog) return {};
  const auto bytes = impl_->targets(block);
  return {reinterpret_cast<const std::int8_t*>(bytes.data()), bytes.size()};
}

void Program::check_targets(std::uint32_t block) const {
  const BlockRecord& record = impl_->blocks[block];
  if (crc32(impl_->targets(record)) != record.target_crc) {
    throw_format(impl_->path,
                 "block " + std::to_string(block) + " of matrix " + impl_->manifest.matrices[record.matrix].name,
                 "targets do not have their CRC");
  }
}

void Program::release_targets(std::uint32_t block) const {
  if (!impl_->map) return;
  const BlockRecord& record = impl_->blocks[block];
  impl_->map->release(impl_->bulk_offset + record.target_offset, impl_->targets(record).size());
}

std::vector<float> output_units(const Program& program, const MatrixInfo& matrix) {
  std::vector<float> units(matrix.out_features, matrix.unit);
  if (matrix.units.empty()) return units;
  const std::string where = program.path() + ": units of \"" + matrix.name + "\": ";
  const auto constant = program.constants().find(matrix.units);
  if (constant == program.constants().end())
    throw Error(ErrorCode::kFormat, where + "no constant \"" + matrix.units + "\"");
  const std::span<const std::byte> data = constant->second.data;
  if (constant->second.type != ConstantType::kF32 || data.size() != units.size() * sizeof(float)) {
    throw Error(ErrorCode::kFormat, where + "expected " + std::to_string(units.size()) + " fp32 numbers, found " +
                                        std::to_string(data.size()) + " bytes");
  }
  std::memcpy(units.data(), data.data(), data.size());
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (units[i] > 0 && std::isnormal(units[i])) continue;
    throw Error(ErrorCode::kFormat, where + "expected a positive number, found " + std::to_string(units[i]) +
                                        " of output " + std::to_string(i));
  }
  return units;
}

}  // namespace xw::program

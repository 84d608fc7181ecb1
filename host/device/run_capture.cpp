// A run in a file: arguments and memory, so that any device can run it again.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/device/run_capture.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/checksum.hpp"
#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "arch/support/json_text.hpp"
#include "arch/support/setting_error.hpp"

namespace xw::device {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kMagic = "XWRUN\r\n\x1a";  // damaged by any text conversion
constexpr std::uint64_t kPrefixBytes = 16;            // magic, bytes of the description
constexpr std::uint64_t kMostDescription = 1U << 20U;
constexpr std::size_t kMostSegments = 4096;

[[noreturn]] void reject(const std::string& origin, const std::string& what) {
  throw Error(ErrorCode::kFormat, origin + ": " + what);
}

/// The description's own text, or one with its numbers.
[[nodiscard]] std::string emulator_text(const arch::EmulatorDescription& e) {
  if (!e.text.empty()) return e.text;
  std::string text = "[emulator]\nname = \"" + e.name + "\"\n";
  const auto add = [&](const char* key, const std::string& value) { text += std::string(key) + " = " + value + "\n"; };
  add("num_engines", std::to_string(e.num_engines));
  add("lanes", std::to_string(e.lanes));
  add("block_rows", std::to_string(e.block_rows));
  add("block_cols", std::to_string(e.block_cols));
  add("contexts", std::to_string(e.contexts));
  add("xbuf_bytes", std::to_string(e.xbuf_bytes));
  add("ybuf_words", std::to_string(e.ybuf_words));
  add("max_batch", std::to_string(e.max_batch));
  add("adc_columns_per_cycle", std::to_string(e.adc_columns_per_cycle));
  add("data_width_bits", std::to_string(e.data_width_bits));
  add("max_outstanding", std::to_string(e.max_outstanding));
  add("clock_mhz", std::to_string(e.clock_mhz));
  add("memory_latency_cycles", std::to_string(e.memory_latency_cycles));
  add("memory_bytes_per_cycle", std::to_string(e.memory_bytes_per_cycle));
  add("memory_bytes", std::to_string(e.memory_bytes));
  return text;
}

/// Calls visit(key, field) for every scalar argument.
template <typename Arguments, typename Visit>
void for_each_argument(Arguments& a, const Visit& visit) {
  visit("program_base", a.program_base);
  visit("entry", a.entry);
  visit("num_vectors", a.num_vectors);
  visit("x_base", a.x_base);
  visit("y_base", a.y_base);
  visit("completion_base", a.completion_base);
  visit("vector_base", a.vector_base);
  visit("chip_seed", a.chip_seed);
  visit("watchdog_cycles", a.watchdog_cycles);
}

/// Reads members of JSON objects, with one clear message for what is not there or not as expected.
class Reader {
 public:
  Reader(const Json& json, const std::string& origin) : json_(json), origin_(origin) {}

  [[nodiscard]] const Json& member(const char* key) const {
    if (!json_.is_object() || !json_.contains(key)) reject(origin_, std::string("expected member ") + key);
    return json_[key];
  }
  [[nodiscard]] std::string text(const char* key) const {
    const Json& value = member(key);
    if (!value.is_string()) reject(origin_, std::string(key) + ": expected a text");
    return value.get<std::string>();
  }
  template <typename T>
  [[nodiscard]] T integer(const char* key) const {
    return integer_of<T>(member(key), key);
  }
  [[nodiscard]] const Json& array(const char* key, std::size_t most) const {
    const Json& value = member(key);
    if (!value.is_array() || value.size() > most) {
      reject(origin_, std::string(key) + ": expected an array of at most " + std::to_string(most) + " elements");
    }
    return value;
  }
  template <typename T>
  [[nodiscard]] T integer_of(const Json& value, const char* key) const {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > std::numeric_limits<T>::max()) {
      reject(origin_,
             std::string(key) + ": expected an integer of at most " + std::to_string(std::numeric_limits<T>::max()));
    }
    return static_cast<T>(value.get<std::uint64_t>());
  }

 private:
  const Json& json_;
  const std::string& origin_;
};

[[nodiscard]] Json describe(const DeviceInfo& info, const RunArguments& arguments, const std::string& failure) {
  Json json = {{"device", info.name},
               {"failure", failure},
               {"contract_hash", arch::kContractHashText},
               {"emulator", emulator_text(info.emulator)}};
  Json& values = json["arguments"];
  for_each_argument(arguments, [&](const char* key, const auto& value) { values[key] = value; });
  values["image_base"] = arguments.image_base;
  json["segments"] = Json::array();
  return json;
}

}  // namespace

void save_capture(const std::filesystem::path& path, const DeviceInfo& info, const RunArguments& arguments,
                  const std::string& failure, const DeviceMemory& memory) {
  Json json = describe(info, arguments, failure);
  std::vector<std::span<const std::byte>> pieces;
  for (const DeviceMemory::Piece& piece : memory.pieces()) {
    const auto last =
        std::find_if(piece.data.rbegin(), piece.data.rend(), [](std::byte b) { return b != std::byte{}; });
    pieces.push_back(piece.data.first(static_cast<std::size_t>(piece.data.rend() - last)));
    json["segments"].push_back({{"address", piece.address},
                                {"bytes", piece.data.size()},
                                {"stored", pieces.back().size()},
                                {"crc32", crc32(pieces.back())}});
  }
  const std::string text = json_text(json, 1);
  const std::uint64_t text_bytes = text.size();
  OutputFile file(path);
  file.write(kMagic);
  file.write(std::as_bytes(std::span(&text_bytes, 1)));
  file.write(text);
  for (const auto& piece : pieces) file.write(piece);
  file.commit();
}

RunCapture parse_capture(std::span<const std::byte> bytes, const std::string& origin, std::uint64_t most_zero_bytes) {
  if (bytes.size() < kPrefixBytes || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    reject(origin, "not a saved run");
  }
  std::uint64_t text_bytes = 0;
  std::memcpy(&text_bytes, bytes.data() + kMagic.size(), sizeof text_bytes);
  if (text_bytes > kMostDescription || text_bytes > bytes.size() - kPrefixBytes) {
    reject(origin, "description of " + std::to_string(text_bytes) + " bytes does not fit the file");
  }
  const auto* text = reinterpret_cast<const char*>(bytes.data() + kPrefixBytes);
  const Json json = Json::parse(text, text + text_bytes, nullptr, false);
  if (json.is_discarded()) reject(origin, "the description is not JSON");
  const Reader reader(json, origin);
  RunCapture capture;
  capture.device = reader.text("device");
  capture.failure = reader.text("failure");
  if (const std::string hash = reader.text("contract_hash"); hash != arch::kContractHashText) {
    throw Error(ErrorCode::kContractMismatch,
                origin + ": contract hash " + hash + ", this crossweave has " + std::string(arch::kContractHashText));
  }
  capture.emulator = arch::parse_emulator(reader.text("emulator"), origin + ": emulator");
  const Reader values(reader.member("arguments"), origin);
  for_each_argument(capture.arguments, [&](const char* key, auto& value) {
    value = values.integer<std::remove_reference_t<decltype(value)>>(key);
  });
  const Json& images = values.array("image_base", capture.arguments.image_base.size());
  for (std::size_t e = 0; e < images.size(); ++e) {
    capture.arguments.image_base[e] = values.integer_of<Address>(images[e], "image_base");
  }
  std::span<const std::byte> rest = bytes.subspan(kPrefixBytes + static_cast<std::size_t>(text_bytes));
  std::uint64_t zero_bytes = 0;
  for (const Json& element : reader.array("segments", kMostSegments)) {
    const Reader segment(element, origin);
    RunCapture::Segment made;
    made.address = segment.integer<Address>("address");
    made.bytes = segment.integer<std::uint64_t>("bytes");
    const auto stored = segment.integer<std::uint64_t>("stored");
    if (made.bytes == 0 || made.bytes > capture.emulator.memory_bytes ||
        made.address > ~std::uint64_t{0} - made.bytes) {
      reject(origin, "segment of " + std::to_string(made.bytes) + " bytes does not fit the memory of the emulator");
    }
    if (stored > made.bytes || stored > rest.size()) {
      reject(origin, "segment with " + std::to_string(stored) + " stored bytes, found " + std::to_string(rest.size()));
    }
    zero_bytes += std::min(made.bytes - stored, ~std::uint64_t{0} - zero_bytes);
    if (zero_bytes > most_zero_bytes) {
      throw SettingError(ErrorCode::kCapacity, "memory limit",
                         origin + ": the segments have " + std::to_string(zero_bytes) +
                             " bytes that the file does not hold, at most " + std::to_string(most_zero_bytes) +
                             " are allowed; a higher limit allows more");
    }
    made.data = rest.first(static_cast<std::size_t>(stored));
    rest = rest.subspan(static_cast<std::size_t>(stored));
    if (crc32(made.data) != segment.integer<std::uint32_t>("crc32")) reject(origin, "the CRC of a segment is wrong");
    capture.segments.push_back(made);
  }
  if (!rest.empty()) reject(origin, std::to_string(rest.size()) + " bytes after the last segment");
  return capture;
}

RunCapture load_capture(const std::filesystem::path& path, std::uint64_t most_zero_bytes) {
  auto file = std::make_shared<const MappedFile>(path);
  RunCapture capture = parse_capture(file->bytes(), path.string(), most_zero_bytes);
  capture.file = std::move(file);
  return capture;
}

RunArguments place_capture(const RunCapture& capture, Device& device) {
  std::vector<Address> places;
  for (const RunCapture::Segment& segment : capture.segments) {
    places.push_back(device.allocate(segment.bytes, {}));
    device.write(places.back(), segment.data);
  }
  const auto move = [&](Address& address) {
    for (std::size_t i = 0; i < places.size(); ++i) {
      const RunCapture::Segment& segment = capture.segments[i];
      if (address < segment.address || address - segment.address >= segment.bytes) continue;
      address = places[i] + (address - segment.address);
      return;
    }
  };
  RunArguments arguments = capture.arguments;
  move(arguments.program_base);
  move(arguments.x_base);
  move(arguments.y_base);
  move(arguments.completion_base);
  for (Address& base : arguments.image_base) move(base);
  return arguments;
}

}  // namespace xw::device

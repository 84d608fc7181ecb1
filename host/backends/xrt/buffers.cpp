// Memory of a card: buffer objects by device address, each with its copy on the host.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/backends/xrt/buffers.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>

#include "arch/generated/xw_arch.hpp"
#include "arch/support/error.hpp"

namespace xw::xrt_device {
namespace {

/// DMA moves whole lines.
constexpr std::uint64_t kLine = arch::kMemoryAlignment;

[[nodiscard]] std::string hex(Address address) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(address));
  return text;
}

}  // namespace

Address Buffers::allocate(std::uint64_t bytes, int argument) {
  if (bytes == 0) throw Error(ErrorCode::kInvalidArgument, "device xrt: cannot allocate 0 bytes");
  Buffer buffer;
  buffer.group = card_.group(argument);
  const std::uint64_t size = card_.group_bytes(buffer.group);
  const std::uint64_t used = used_[buffer.group];
  const auto no_room = [&](const std::string& reason) {
    throw Error(ErrorCode::kCapacity, "device xrt: " + std::to_string(bytes) + " bytes needed in memory group " +
                                          std::to_string(buffer.group) + ", " +
                                          std::to_string(size > used ? size - used : 0) + " of " +
                                          std::to_string(size) + " bytes free" + reason);
  };
  if (bytes > size) no_room("");
  buffer.bytes = bytes;
  buffer.whole = (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
  try {
    buffer.object = card_.allocate(static_cast<std::size_t>(buffer.whole), argument);
    buffer.data = buffer.object.map<std::byte*>();
  } catch (const std::bad_alloc&) {
    no_room("");
  } catch (const std::exception& error) {
    no_room(std::string("; XRT says: ") + error.what());
  }
  std::memset(buffer.data, 0, static_cast<std::size_t>(buffer.whole));
  sync(buffer, XCL_BO_SYNC_BO_TO_DEVICE, 0, buffer.whole);
  const Address address = buffer.object.address();
  used_[buffer.group] += buffer.whole;
  buffers_.emplace(address, std::move(buffer));
  return address;
}

void Buffers::free(Address address) {
  const auto it = buffers_.find(address);
  if (it == buffers_.end()) {
    throw Error(ErrorCode::kInvalidArgument, "device xrt: " + hex(address) + " is not the start of an allocation");
  }
  used_[it->second.group] -= it->second.whole;
  buffers_.erase(it);
}

const Buffers::Entry* Buffers::containing(Address address, std::uint64_t bytes) const {
  auto it = buffers_.upper_bound(address);
  if (it == buffers_.begin()) return nullptr;
  --it;
  const std::uint64_t offset = address - it->first;
  return offset <= it->second.bytes && bytes <= it->second.bytes - offset ? &*it : nullptr;
}

bool Buffers::contains(Address address, std::uint64_t bytes) const {
  return containing(address, bytes) != nullptr;
}

Buffers::Entry& Buffers::at(Address address, std::uint64_t bytes) {
  const Entry* entry = containing(address, bytes);
  if (entry == nullptr) {
    throw Error(ErrorCode::kInvalidArgument, "device xrt: " + std::to_string(bytes) + " bytes at " + hex(address) +
                                                 " are not inside one allocation");
  }
  return const_cast<Entry&>(*entry);  // of a map that is ours
}

void Buffers::sync(Buffer& buffer, xclBOSyncDirection direction, std::uint64_t begin, std::uint64_t end) {
  with_xrt("moving " + std::to_string(end - begin) + " bytes", [&] {
    buffer.object.sync(direction, static_cast<std::size_t>(end - begin), static_cast<std::size_t>(begin));
  });
}

void Buffers::fetch(Buffer& buffer, std::uint64_t begin, std::uint64_t end) {
  if (!buffer.stale || (begin >= buffer.fresh_begin && end <= buffer.fresh_end)) return;
  sync(buffer, XCL_BO_SYNC_BO_FROM_DEVICE, begin, end);
  const bool joins = begin <= buffer.fresh_end && end >= buffer.fresh_begin && buffer.fresh_end > 0;
  buffer.fresh_begin = joins ? std::min(begin, buffer.fresh_begin) : begin;
  buffer.fresh_end = joins ? std::max(end, buffer.fresh_end) : end;
}

std::span<std::byte> Buffers::view(Address address, std::uint64_t bytes) {
  auto& [base, buffer] = at(address, bytes);
  const std::uint64_t offset = address - base;
  buffer.looked_end = std::max(buffer.looked_end, offset + bytes);
  fetch(buffer, offset / kLine * kLine, (offset + bytes + kLine - 1) / kLine * kLine);
  return {buffer.data + offset, static_cast<std::size_t>(bytes)};
}

void Buffers::changed(Address address, std::uint64_t bytes) {
  auto& [base, buffer] = at(address, bytes);
  if (bytes == 0) return;
  const std::uint64_t offset = address - base;
  sync(buffer, XCL_BO_SYNC_BO_TO_DEVICE, offset / kLine * kLine, (offset + bytes + kLine - 1) / kLine * kLine);
}

void Buffers::written_by_card(Address address) {
  const auto mark = [](Buffer& buffer) {
    buffer.stale = true;
    buffer.fresh_begin = buffer.fresh_end = 0;
    buffer.looked_end = 0;
  };
  if (const Entry* entry = containing(address, 0); entry != nullptr) {
    mark(const_cast<Entry*>(entry)->second);
    return;
  }
  for (auto& [base, buffer] : buffers_) mark(buffer);
}

void Buffers::fetch_ahead(Address address, std::uint64_t bytes) {
  const Entry* entry = containing(address, 0);
  if (entry == nullptr) return;
  auto& [base, buffer] = const_cast<Entry&>(*entry);
  const std::uint64_t offset = address - base;
  const std::uint64_t end = std::min((offset + bytes + kLine - 1) / kLine * kLine, buffer.whole);
  if (bytes > 0) fetch(buffer, offset / kLine * kLine, end);
}

std::uint64_t Buffers::looked_at(Address address) const {
  const Entry* entry = containing(address, 0);
  if (entry == nullptr) return 0;
  const std::uint64_t offset = address - entry->first;
  return entry->second.looked_end > offset ? entry->second.looked_end - offset : 0;
}

void Buffers::abandon() {
  for (auto& [base, buffer] : buffers_) (void)new xrt::bo(std::move(buffer.object));  // never given back
  buffers_.clear();
}

}  // namespace xw::xrt_device

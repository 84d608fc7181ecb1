// Results of studies.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/toolchain/sweep/records.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <map>
#include <system_error>
#include <utility>

#include "arch/support/csv.hpp"
#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "arch/support/json_text.hpp"

namespace xw::toolchain {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kSuffix = ".jsonl";
constexpr std::uint64_t kMaxBytes = 64ULL << 30;  ///< of the file of a worker

[[noreturn]] void fail(const fs::path& path, const std::string& what) {
  throw Error(ErrorCode::kIo, path.string() + ": " + what + ": " + std::strerror(errno));
}

std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    if (entry->path().extension() == kSuffix) files.push_back(entry->path());
  if (error && error != std::errc::no_such_file_or_directory)
    throw Error(ErrorCode::kIo, folder.string() + ": " + error.message());
  std::sort(files.begin(), files.end());
  return files;
}

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "host";
}

/// The record of this measurement that counts, by point: of several, one with results before one with an error.
std::map<StudyPoint, const Json*> best_of(const std::vector<Json>& records, const std::string& measure) {
  std::map<StudyPoint, const Json*> found;
  for (const Json& record : records) {
    if (record["measure"] != measure) continue;
    StudyPoint point;
    for (const auto& [name, value] : record["point"].items())
      point[name] = value.is_string() ? value.get<std::string>() : value.dump();
    const Json*& one = found[std::move(point)];
    if (one == nullptr || (one->contains("error") && !record.contains("error"))) one = &record;
  }
  return found;
}

std::string field_of(const Json& value) {
  return value.is_string() ? csv_field(value.get<std::string>()) : value.dump();
}

}  // namespace

RecordFile::RecordFile(const fs::path& folder) : worker_(host_name() + "-" + std::to_string(::getpid())) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error(ErrorCode::kIo, folder.string() + ": cannot make this folder: " + error.message());
  path_ = folder / worker_;
}

RecordFile::~RecordFile() {
  if (file_ >= 0) ::close(file_);
}

void RecordFile::add(const Json& record) {
  // Another process of this number may have been here before.
  for (int number = 0; file_ < 0; ++number) {
    const fs::path path = path_.string() + "-" + std::to_string(number) + kSuffix;
    file_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (file_ >= 0) {
      path_ = path;
    } else if (errno != EEXIST) {
      fail(path, "cannot write");
    }
  }
  const std::string line = utf8_json(record).dump() + "\n";
  std::string_view left = line;
  while (!left.empty()) {
    const ssize_t written = ::write(file_, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(path_, "writing failed");
    left.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fdatasync(file_) != 0) fail(path_, "writing failed");
}

std::vector<Json> read_records(const fs::path& folder) {
  std::vector<Json> records;
  for (const fs::path& path : files_of(folder)) {
    const std::string text = read_text_file(path, kMaxBytes);
    std::size_t number = 1;
    for (std::size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string::npos;
         begin = end + 1, ++number) {
      Json record = Json::parse(text.begin() + static_cast<std::ptrdiff_t>(begin),
                                text.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
      if (!record.is_object() || !record.contains("point") || !record["point"].is_object() ||
          !record.contains("measure") || !record["measure"].is_string()) {
        throw Error(ErrorCode::kFormat,
                    path.string() + ":" + std::to_string(number) +
                        ": expected a record of a study, found something else; remove the line or the file");
      }
      records.push_back(std::move(record));
    }
  }
  return records;
}

std::size_t count_records(const fs::path& folder) {
  std::size_t count = 0;
  for (const fs::path& path : files_of(folder)) {
    const std::string text = read_text_file(path, kMaxBytes);
    count += static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }
  return count;
}

std::vector<Json> merged(const Study& study, const std::string& measure, const std::vector<Json>& records) {
  const std::map<StudyPoint, const Json*> found = best_of(records, measure);
  std::vector<Json> result;
  for (const StudyPoint& point : study.points)
    if (const auto one = found.find(point); one != found.end()) result.push_back(*one->second);
  return result;
}

std::vector<Json> merged(const std::vector<Json>& records) {
  std::vector<Json> result;
  if (records.empty()) return result;
  const Json& measure = records.front()["measure"];
  if (!std::all_of(records.begin(), records.end(), [&](const Json& record) { return record["measure"] == measure; })) {
    throw Error(ErrorCode::kInvalidArgument,
                "these records are of several measurements (other texts, tasks or versions); name the study");
  }
  for (const auto& [point, record] : best_of(records, measure.get<std::string>())) result.push_back(*record);
  return result;
}

RecordColumns columns_of(const std::vector<Json>& records) {
  RecordColumns columns;
  const auto add = [](std::vector<std::string>& names, const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const Json& record : records) {
    for (const auto& item : record["point"].items()) add(columns.options, item.key());
    const auto figures = record.find("figures");
    if (figures == record.end()) continue;
    for (const auto& figure : figures->items()) add(columns.figures, figure.key());
  }
  return columns;
}

std::string to_csv(const std::vector<Json>& records) {
  const auto [options, figures] = columns_of(records);
  std::string csv;
  for (const std::string& name : options) csv += csv_field(name) + ",";
  for (const std::string& name : figures) csv += csv_field(name) + ",";
  csv += "error\n";
  for (const Json& record : records) {
    const Json values = record.value("figures", Json::object());
    for (const std::string& name : options)
      csv += (record["point"].contains(name) ? field_of(record["point"][name]) : "") + ",";
    for (const std::string& name : figures) csv += (values.contains(name) ? field_of(values[name]) : "") + ",";
    csv += record.contains("error") ? field_of(record["error"]["message"]) : "";
    csv += "\n";
  }
  return csv;
}

}  // namespace xw::toolchain

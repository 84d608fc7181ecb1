// `crossweave simulate` on a compiled tiny model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/paths.hpp"
#include "tests/unit/app/command.hpp"
#include "tests/unit/app/tiny_model.hpp"

namespace xw::test {
namespace {

class Simulate : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = std::filesystem::temp_directory_path() / ("xw-simulate-" + std::to_string(getpid()));
    model_ = write_tiny_model(folder_);
    program_ = folder_ / "tiny.xwp";
    const Outcome outcome =
        crossweave("compile " + model_.string() + " --chip tiny-64 --lm-head analog --ranges fixed:4 " +
                   "--lambda 8 -o " + program_.string());
    ASSERT_EQ(outcome.status, 0) << outcome.output;
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(folder_); }
  [[nodiscard]] static nlohmann::json simulate(const std::string& options) {
    const Outcome outcome = crossweave("simulate " + program_.string() + " --json " + options);
    EXPECT_EQ(outcome.status, 0) << outcome.output;
    return nlohmann::json::parse(outcome.output);
  }
  static inline std::filesystem::path folder_, model_, program_;
};

[[nodiscard]] double sum(const nlohmann::json& object) {
  double total = 0;
  for (const auto& value : object) total += value.get<double>();
  return total;
}

TEST_F(Simulate, TokenIsCompleteAndAttributed) {
  const nlohmann::json run = simulate("--position 20")["runs"][0];
  EXPECT_EQ(run["kind"], "simulated");
  EXPECT_NEAR(sum(run["critical_path_ns"]), run["total_ns"].get<double>(), 1e-3);
  // All weights once: 2 layers of q, k, v, o, gate, up, down, and the output layer.
  constexpr std::uint64_t kLayer = 96 * (96 + 48 + 48) + 96 * 96 + 96 * 160 * 2 + 160 * 96;
  EXPECT_EQ(run["cell_macs"], 2 * kLayer + 96 * 300);
  EXPECT_EQ(run["layers"].size(), 3U);
  double layers = 0;
  for (const auto& layer : run["layers"]) layers += sum(layer["energy_pj"]);
  EXPECT_NEAR(layers + run["energy_pj"]["static power"].get<double>(), sum(run["energy_pj"]), 1e-3);
}

TEST_F(Simulate, AttentionGrowsInTheSweep) {
  const nlohmann::json runs = simulate("--sweep 64")["runs"];
  ASSERT_EQ(runs.size(), 7U);
  for (std::size_t i = 1; i < runs.size(); ++i) {
    EXPECT_GT(runs[i]["attention_ns"].get<double>(), runs[i - 1]["attention_ns"].get<double>());
    EXPECT_GT(runs[i]["total_ns"].get<double>(), runs[i - 1]["total_ns"].get<double>());
  }
}

TEST_F(Simulate, WithTheDigitalSideOnTheHostOnlyTheTilesTakeTime) {
  const nlohmann::json run = simulate("--position 20 --digital-on-host")["runs"][0];
  const nlohmann::json all = simulate("--position 20")["runs"][0];
  EXPECT_EQ(run["cell_macs"], all["cell_macs"]);
  EXPECT_EQ(run["digital_macs"], 0);
  EXPECT_EQ(run["attention_ns"], 0);
  EXPECT_EQ(run["critical_path_ns"]["cells"], all["critical_path_ns"]["cells"]);
  EXPECT_FALSE(run["critical_path_ns"].contains("memory"));
  EXPECT_LT(run["total_ns"].get<double>(), all["total_ns"].get<double>());
  EXPECT_NEAR(sum(run["critical_path_ns"]), run["total_ns"].get<double>(), 1e-3);
}

TEST_F(Simulate, FirstTokenAndSteadyState) {
  const nlohmann::json run = simulate("--prompt-tokens 8 --tokens 5")["runs"][0];
  const double first = run["first_token_ns"], next = run["next_token_ns"];
  EXPECT_NEAR(first + 4 * next, run["total_ns"].get<double>(), 1e-3);
  EXPECT_NEAR(first, simulate("--prompt-tokens 8 --tokens 1")["runs"][0]["total_ns"].get<double>(), 1e-3);
  EXPECT_LT(next, first);
  EXPECT_FALSE(simulate("")["runs"][0].contains("next_token_ns"));
}

TEST_F(Simulate, SequencesShareTheChip) {
  const nlohmann::json one = simulate("--tokens 2")["runs"][0];
  const nlohmann::json four = simulate("--tokens 2 --sequences 4")["runs"][0];
  EXPECT_EQ(four["cell_macs"].get<std::uint64_t>(), 4 * one["cell_macs"].get<std::uint64_t>());
  EXPECT_LT(four["total_ns"].get<double>(), 4 * one["total_ns"].get<double>());
  EXPECT_GE(four["total_ns"].get<double>(), one["total_ns"].get<double>());
}

TEST_F(Simulate, ActivationsNeedTheBufferThatTheLargestStepNeeds) {
  // SwiGLU: gate and up as int32 sums, its result and the residual stream in fp16.
  constexpr std::uint64_t kPeak = 2 * 160 * 4 + 160 * 2 + 96 * 2;
  EXPECT_EQ(simulate("")["runs"][0]["buffer"],
            (nlohmann::json{{"capacity_bytes", 0}, {"peak_bytes", kPeak}, {"spilled_bytes", 0}}));
  std::ifstream built_in(xw::test::source_dir() / "arch/chips/tiny-64.toml");
  const std::string text{std::istreambuf_iterator<char>(built_in), {}};
  const std::filesystem::path file = folder_ / "small-buffer.toml";
  for (const std::uint64_t missing : {std::uint64_t{0}, std::uint64_t{10}}) {
    std::ofstream(file) << std::string(text).replace(text.find("rows ="), 0,
                                                     "buffer_bytes = " + std::to_string(kPeak - missing) + "\n");
    const nlohmann::json buffer = simulate("--chip " + file.string())["runs"][0]["buffer"];
    EXPECT_EQ(buffer["capacity_bytes"], kPeak - missing);
    EXPECT_EQ(buffer["spilled_bytes"], 2U * 2U * missing);  // out and back in each of two layers
    const Outcome outcome = crossweave("simulate " + program_.string() + " --chip " + file.string());
    EXPECT_THAT(outcome.output, testing::HasSubstr(missing == 0 ? "they fit" : "do not fit")) << outcome.output;
  }
}

TEST_F(Simulate, WithoutGeneratedTokensThereIsNoFigurePerToken) {
  const std::string options = "simulate " + program_.string() + " --tokens 0 --prompt-tokens 4";
  const Outcome outcome = crossweave(options);
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.output, testing::Not(testing::HasSubstr("per generated token")));
  EXPECT_THAT(outcome.output, testing::Not(testing::HasSubstr("tokens/s")));
  const auto run = nlohmann::json::parse(crossweave(options + " --json").output)["runs"][0];
  EXPECT_FALSE(run.contains("tokens_per_s"));
  EXPECT_FALSE(run.contains("energy_pj_per_token"));
}

/// "86128.104 us" says less than "86.1 ms".
TEST_F(Simulate, TimesAndEnergiesAreScaled) {
  const Outcome outcome = crossweave("simulate " + program_.string() + " --sequences 900 --tokens 4 --layers");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.output, testing::ContainsRegex("time +[0-9.]+ ms, "));
  EXPECT_THAT(outcome.output, testing::Not(testing::ContainsRegex("[0-9]{4,}(\\.[0-9]+)? [munp]?[sJ]")));
}

TEST_F(Simulate, TextNamesWhatIsShown) {
  const Outcome outcome = crossweave("simulate " + program_.string() + " --prompt-tokens 3 --tokens 2 --layers");
  EXPECT_EQ(outcome.status, 0);
  for (const char* word :
       {"tokens/s", "TOPS/W", "output converters", "area", "static power", "measured", "most time in"}) {
    EXPECT_THAT(outcome.output, testing::HasSubstr(word));
  }
}

[[nodiscard]] std::string read(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A timeline as a viewer reads it.
struct Timeline {
  struct Span {
    std::int64_t begin = 0, end = 0;  ///< ns
    nlohmann::json event;
  };
  using Thread = std::pair<int, int>;
  std::map<int, std::string> processes;
  std::map<Thread, std::string> threads;
  std::map<Thread, std::vector<Span>> spans;
  std::map<std::string, std::vector<std::pair<std::int64_t, nlohmann::json>>> counters;
  std::map<std::uint64_t, std::vector<nlohmann::json>> flows;

  [[nodiscard]] static std::int64_t nanoseconds(const nlohmann::json& us) {
    const double ns = us.get<double>() * 1e3;
    EXPECT_NEAR(ns, std::round(ns), 1e-3);
    return std::llround(ns);
  }
  explicit Timeline(const std::filesystem::path& path) {
    const nlohmann::json trace = nlohmann::json::parse(read(path));
    for (const auto& event : trace["traceEvents"]) {
      const Thread thread{event["pid"], event["tid"]};
      const std::string kind = event["ph"];
      if (event["name"] == "process_name") processes[thread.first] = event["args"]["name"];
      if (event["name"] == "thread_name") threads[thread] = event["args"]["name"];
      if (kind == "M") continue;
      const std::int64_t begin = nanoseconds(event["ts"]);
      if (kind == "X") {
        spans[thread].push_back({begin, begin + nanoseconds(event["dur"]), event});
      } else if (kind == "C") {
        counters[event["name"]].emplace_back(begin, event["args"]);
      } else {
        EXPECT_TRUE(kind == "s" || kind == "t" || kind == "f") << event;
        flows[event["id"]].push_back(event);
      }
    }
  }
};

TEST_F(Simulate, TimelineShowsEveryServerAndNeverTwoThingsAtOnce) {
  const std::filesystem::path path = folder_ / "trace.json";
  const nlohmann::json run = simulate("--sequences 2 --prompt-tokens 4 --tokens 3 --trace " + path.string())["runs"][0];
  Timeline timeline(path);
  std::size_t mvms = 0, tokens = 0;
  std::int64_t last = 0;
  double energy = 0;
  for (auto& [thread, spans] : timeline.spans) {
    ASSERT_TRUE(timeline.threads.contains(thread));
    const std::string& process = timeline.processes.at(thread.first);
    mvms += process == "Tiles" ? spans.size() : 0;
    tokens += process.starts_with("Tokens") ? spans.size() : 0;
    std::sort(spans.begin(), spans.end(),
              [](const auto& a, const auto& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
    for (std::size_t i = 0; i < spans.size(); ++i) {
      EXPECT_FALSE(spans[i].event["cat"].get<std::string>().empty());
      energy += spans[i].event["args"].value("energy_pj", 0.0);
      last = std::max(last, spans[i].end);
      if (i > 0) {
        ASSERT_GE(spans[i].begin, spans[i - 1].end) << timeline.threads[thread];
      }
    }
  }
  for (const char* wanted :
       {"Tiles", "Links to tiles", "Links from tiles", "Digital units", "Memory", "Tokens: what the host waits for"}) {
    const bool found = std::any_of(timeline.processes.begin(), timeline.processes.end(),
                                   [&](const auto& p) { return p.second == wanted; });
    EXPECT_TRUE(found) << wanted;
  }
  EXPECT_EQ(mvms, run["block_mvms"].get<std::size_t>());
  EXPECT_EQ(tokens, 2U * (4 + 2));  // the last token of a prompt gives the first one
  EXPECT_EQ(last, std::llround(run["total_ns"].get<double>()));
  const double dynamic = sum(run["energy_pj"]) - run["energy_pj"]["static power"].get<double>();
  EXPECT_NEAR(energy / dynamic, 1, 1e-4);

  // What a tile holds is written beside it.
  bool is_told = false;
  for (const auto& [thread, name] : timeline.threads) is_told = is_told || name.find("qkv") != std::string::npos;
  EXPECT_TRUE(is_told);
  EXPECT_EQ(crossweave("simulate " + program_.string() + " --sweep 4 --trace " + path.string()).status, 2);
}

TEST_F(Simulate, CountersOfTheTimelineAddUpToTheRun) {
  const std::filesystem::path path = folder_ / "trace.json";
  const nlohmann::json run = simulate("--prompt-tokens 6 --tokens 3 --trace " + path.string())["runs"][0];
  const Timeline timeline(path);
  const double total_ns = run["total_ns"];
  const auto integral = [&](const std::string& counter, const std::string& series) {
    double result = 0;
    const auto& values = timeline.counters.at(counter);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double end = i + 1 < values.size() ? static_cast<double>(values[i + 1].first) : total_ns;
      result +=
          values[i].second.at(series).get<double>() * (std::min(end, total_ns) - static_cast<double>(values[i].first));
    }
    return result;
  };
  double energy = 0;
  for (const char* part : {"tiles", "links", "digital", "memory", "static"}) energy += integral("power, mW", part);
  EXPECT_NEAR(energy / sum(run["energy_pj"]), 1, 1e-3);
  double busy = 0;
  for (const auto& [thread, spans] : timeline.spans) {
    if (timeline.processes.at(thread.first) != "Tiles") continue;
    for (const Timeline::Span& span : spans) busy += static_cast<double>(span.end - span.begin);
  }
  EXPECT_NEAR(integral("busy", "tiles") / busy, 1, 0.02);  // spans are of whole ns
  std::uint64_t peak = 0;
  for (const auto& [time, value] : timeline.counters.at("activations, bytes"))
    peak = std::max(peak, value.at("alive").get<std::uint64_t>());
  EXPECT_EQ(peak, run["buffer"]["peak_bytes"].get<std::uint64_t>());
}

TEST_F(Simulate, ArrowsOfTheTimelineLeadFromATokenThroughItsTiles) {
  const std::filesystem::path path = folder_ / "trace.json";
  static_cast<void>(simulate("--sequences 2 --prompt-tokens 3 --tokens 2 --trace " + path.string()));
  const Timeline timeline(path);
  EXPECT_EQ(timeline.flows.size(), 2U * (3 + 1));
  for (const auto& [id, points] : timeline.flows) {
    ASSERT_GE(points.size(), 3U);
    EXPECT_EQ(points.front()["ph"], "s");
    EXPECT_EQ(points.back()["ph"], "f");
    std::int64_t before = 0;
    nlohmann::json token;
    for (const nlohmann::json& point : points) {
      const std::int64_t time = Timeline::nanoseconds(point["ts"]);
      EXPECT_GE(time, before);
      before = time;
      // Every point is at the beginning of a span of the same token.
      const auto& spans = timeline.spans.at({point["pid"], point["tid"]});
      const auto span = std::find_if(spans.begin(), spans.end(), [&](const auto& s) { return s.begin == time; });
      ASSERT_NE(span, spans.end()) << point;
      const nlohmann::json here = {span->event["args"]["sequence"], span->event["args"]["position"]};
      if (token.is_null()) token = here;
      EXPECT_EQ(here, token);
    }
  }
}

/// Lines of fields; the test's names have no commas.
[[nodiscard]] std::vector<std::vector<std::string>> csv(const std::string& text) {
  std::vector<std::vector<std::string>> lines;
  std::vector<std::string> fields(1);
  for (const char c : text) {
    if (c == '\n') {
      lines.push_back(std::move(fields));
      fields.assign(1, "");
    } else if (c == ',') {
      fields.emplace_back();
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  return lines;
}

TEST_F(Simulate, EveryBuiltInChipThatHoldsTheModelRunsIt) {
  for (const char* chip :
       {"afm-512", "buchel3d", "hermes-256", "hermes64-1p", "hermes64-4p", "ibm34", "m1076", "neurram48"}) {
    const std::filesystem::path program = folder_ / (std::string(chip) + ".xwp");
    const Outcome compiled = crossweave("compile " + model_.string() + " --chip " + chip + " --lm-head analog " +
                                        "--ranges fixed:4 --lambda 8 -o " + program.string());
    ASSERT_EQ(compiled.status, 0) << chip << ": " << compiled.output;
    const Outcome outcome = crossweave("simulate " + program.string() + " --json --tokens 2");
    ASSERT_EQ(outcome.status, 0) << chip << ": " << outcome.output;
    const nlohmann::json report = nlohmann::json::parse(outcome.output);
    EXPECT_EQ(report["chip"], chip);
    EXPECT_GT(report["runs"][0]["cell_macs"].get<double>(), 0) << chip;
  }
}

TEST_F(Simulate, CsvHasTheNumbersOfTheRun) {
  const std::filesystem::path path = folder_ / "table.csv";
  const nlohmann::json run = simulate("--position 9 --csv " + path.string())["runs"][0];
  std::vector<std::vector<std::string>> lines = csv(read(path));
  ASSERT_GT(lines.size(), 10U);
  ASSERT_EQ(lines[0][4], "time ns");
  double time = 0, energy = 0;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    ASSERT_EQ(lines[i].size(), lines[0].size());
    time += std::stod(lines[i][4]);
    energy += std::stod(lines[i][5]);
  }
  EXPECT_NEAR(time, run["total_ns"].get<double>(), 1e-3);
  EXPECT_NEAR(energy + run["energy_pj"]["static power"].get<double>(), sum(run["energy_pj"]), 1e-2);

  const nlohmann::json runs = simulate("--sweep 16 --csv " + path.string())["runs"];
  lines = csv(read(path));
  ASSERT_EQ(lines.size(), runs.size() + 1);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    EXPECT_EQ(std::stoul(lines[i + 1][1]), runs[i]["first_position"].get<unsigned long>());
    EXPECT_NEAR(std::stod(lines[i + 1][4]), runs[i]["total_ns"].get<double>(), 1e-6);
    EXPECT_NEAR(std::stod(lines[i + 1][6]), runs[i]["attention_ns"].get<double>(), 1e-6);
  }
}

TEST_F(Simulate, CompareSetsTwoReportsSideBySide) {
  const std::filesystem::path a = folder_ / "a.json", b = folder_ / "b.json";
  const auto save = [](const std::filesystem::path& path, const std::string& options) {
    std::ofstream(path) << crossweave("simulate " + program_.string() + " --json " + options).output;
  };
  save(a, "");
  save(b, "--tokens 3");
  const Outcome json = crossweave("compare " + a.string() + " " + b.string() + " --json");
  ASSERT_EQ(json.status, 0) << json.output;
  bool found = false;
  const nlohmann::json compared = nlohmann::json::parse(json.output);
  for (const auto& value : compared["values"]) {
    if (value["path"] != "runs[0].cell_macs") continue;
    found = true;
    EXPECT_EQ(value["second"], 3 * value["first"].get<double>());
    EXPECT_EQ(value["ratio"], 3.0);
    EXPECT_EQ(value["difference"], 2 * value["first"].get<double>());
  }
  EXPECT_TRUE(found);
  const Outcome text = crossweave("compare " + a.string() + " " + b.string());
  EXPECT_EQ(text.status, 0);
  EXPECT_THAT(text.output, testing::ContainsRegex("runs.0..generated_tokens +1 +3 +3.0000"));
  EXPECT_THAT(text.output, testing::Not(testing::HasSubstr("layers[")));
  EXPECT_THAT(crossweave("compare " + a.string() + " " + b.string() + " --details").output,
              testing::HasSubstr("runs[0].layers[0].critical_path_ns"));

  EXPECT_EQ(crossweave("compare " + a.string()).status, 2);
  EXPECT_THAT(crossweave("compare " + a.string()).output, testing::HasSubstr("expected two reports, found 1"));
  const std::filesystem::path other = folder_ / "other.json";
  std::ofstream(other) << "{\"report\": \"crossweave\"}";
  EXPECT_THAT(crossweave("compare " + a.string() + " " + other.string()).output,
              testing::HasSubstr("expected two reports of one kind"));
  std::ofstream(other) << "[1, 2";
  EXPECT_THAT(crossweave("compare " + a.string() + " " + other.string()).output,
              testing::HasSubstr("found no valid JSON"));
  std::ofstream(other) << "{\"a\": 1}";
  EXPECT_THAT(crossweave("compare " + a.string() + " " + other.string()).output,
              testing::HasSubstr("without the key 'report'"));
}

TEST_F(Simulate, InterruptEndsALongSimulation) {
  const Outcome outcome = test::interrupted_crossweave(
      "simulate " + program_.string() + " --sequences 9000 --tokens 100", test::catches_interrupts);
  EXPECT_EQ(outcome.status, 130) << outcome.output;
}

TEST_F(Simulate, WrongUseIsRefused) {
  EXPECT_THAT(crossweave("simulate").output, testing::HasSubstr("no program given"));
  EXPECT_EQ(crossweave("simulate").status, 2);
  for (const char* workload : {"--sequences 4294967295", "--sequences 10001 --tokens 100", "--sequences 10001"}) {
    const Outcome large = crossweave("simulate " + program_.string() + " " + workload);
    EXPECT_EQ(large.status, 2) << workload;
    EXPECT_THAT(large.output, testing::HasSubstr("expected at most 1000000 tokens")) << workload;
  }
  for (const char* workload :
       {"--tokens 4294967295", "--position 4294967295", "--prompt-tokens 4294967295 --tokens 1", "--sweep 4294967295",
        "--sweep 129", "--position 128", "--tokens 129", "--position 100 --prompt-tokens 20 --tokens 10"}) {
    const Outcome beyond = crossweave("simulate " + program_.string() + " " + workload);
    EXPECT_EQ(beyond.status, 2) << workload;
    EXPECT_THAT(beyond.output, testing::HasSubstr("beyond the model's context of 128 tokens")) << workload;
  }
  EXPECT_EQ(crossweave("simulate " + program_.string() + " --position 100 --prompt-tokens 20 --tokens 9").status, 0);
  for (const char* negative : {"--position -1", "--sequences -1", "--sweep -1", "--tokens -1", "--prompt-tokens=-1"}) {
    const Outcome outcome = crossweave("simulate " + program_.string() + " " + negative);
    EXPECT_EQ(outcome.status, 2) << negative;
    EXPECT_THAT(outcome.output, testing::HasSubstr("expected a number of at least 0, found -1")) << negative;
  }
  for (const char* alone : {"--sweep 0", "--sweep 8 --tokens 2", "--sweep 8 --position 3", "--sweep 8 --layers"}) {
    EXPECT_EQ(crossweave("simulate " + program_.string() + " " + alone).status, 2) << alone;
  }
  const Outcome other = crossweave("simulate " + program_.string() + " --chip afm-512");
  EXPECT_EQ(other.status, 2);
  EXPECT_THAT(other.output, testing::HasSubstr("tiles of 512x512, the program was mapped to tiles of 64x64"));
  EXPECT_THAT(crossweave("simulate " + program_.string() + " --tokens 0").output, testing::HasSubstr("0 tokens"));
}

}  // namespace
}  // namespace xw::test

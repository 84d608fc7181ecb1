// The server as a client sees it.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/server/http_server.hpp"

#include <gtest/gtest.h>
#include <httplib.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "host/server/openai_request.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/server/default_model.hpp"

namespace xw::server {
namespace {

using nlohmann::json;
using test::default_model;

class Served {
 public:
  explicit Served(const std::string& key = "", std::uint32_t waiting = 50)
      : engine_(default_model().model(), default_model().tokenizer(),
                {.sequences = 2, .length = 256, .waiting = waiting}),
        server_(engine_, default_model().tokenizer(), {"127.0.0.1", 0, key, "stories"}),
        port(server_.bind()),
        thread_([this] { server_.serve(); }) {}
  ~Served() {
    engine_.stop();
    server_.stop();
    thread_.join();
  }
  [[nodiscard]] httplib::Client client() const {
    httplib::Client client("127.0.0.1", port);
    client.set_read_timeout(60);
    return client;
  }
  [[nodiscard]] httplib::Result post(const json& body, const httplib::Headers& headers = {}) const {
    return client().Post("/v1/completions", headers, body.dump(), "application/json");
  }

 private:
  CompletionEngine engine_;
  HttpServer server_;

 public:
  const std::uint16_t port;

 private:
  std::thread thread_;
};

/// What `crossweave run` says.
std::string expected(const std::string& prompt, std::uint32_t tokens) {
  transformer::GenerateOptions options;
  options.max_tokens = tokens;
  return test::continued(prompt, options);
}

TEST(HttpServer, AnswersAtOnceAndInParts) {
  const std::string text = expected("Once upon a time", 20);
  const Served served;
  json body{{"prompt", "Once upon a time"}, {"max_tokens", 20}, {"temperature", 0}};
  const httplib::Result whole = served.post(body);
  ASSERT_TRUE(whole);
  ASSERT_EQ(whole->status, 200) << whole->body;
  EXPECT_EQ(json::parse(whole->body)["choices"][0]["text"], text);
  body["stream"] = true;
  body["stream_options"] = {{"include_usage", true}};
  const httplib::Result parts = served.post(body);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->get_header_value("Content-Type"), "text/event-stream");
  std::string streamed;
  std::istringstream lines(parts->body);
  std::vector<std::string> events;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("data: ")) events.push_back(line.substr(6));
  }
  ASSERT_GT(events.size(), 4U);
  EXPECT_EQ(events.back(), "[DONE]");
  events.pop_back();
  EXPECT_EQ(json::parse(events.back())["usage"]["completion_tokens"], 20);
  events.pop_back();
  for (const std::string& event : events) streamed += json::parse(event)["choices"][0]["text"].get<std::string>();
  EXPECT_EQ(streamed, text);
  EXPECT_EQ(json::parse(events.back())["choices"][0]["finish_reason"], "length");
  const httplib::Result models = served.client().Get("/v1/models");
  ASSERT_TRUE(models);
  EXPECT_EQ(json::parse(models->body)["data"][0]["id"], "stories");
  const httplib::Result tokens =
      served.client().Post("/tokenize", R"({"prompt": "Once upon a time"})", "application/json");
  ASSERT_TRUE(tokens);
  const httplib::Result back = served.client().Post("/detokenize", tokens->body, "application/json");
  ASSERT_TRUE(back);
  EXPECT_EQ(json::parse(back->body)["prompt"], "Once upon a time");
  const httplib::Result info = served.client().Get("/tokenizer_info");
  ASSERT_TRUE(info);
  EXPECT_EQ(json::parse(info->body)["model_max_length"], 256);
  const httplib::Result health = served.client().Get("/health");
  ASSERT_TRUE(health);
  EXPECT_EQ(json::parse(health->body)["completions"], 2);
}

TEST(HttpServer, ManyClientsAtOnceGetWhatEachAsksFor) {
  const std::vector<std::string> prompts{"Once upon a time", "The dog", "Lily saw", "One day", "A big", "Tom and"};
  std::vector<std::string> texts, answers(prompts.size());
  for (const std::string& prompt : prompts) texts.push_back(expected(prompt, 15));
  const Served served;
  std::vector<std::thread> clients;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    clients.emplace_back([&, i] {
      const httplib::Result result = served.post({{"prompt", prompts[i]}, {"max_tokens", 15}, {"temperature", 0}});
      if (result && result->status == 200) answers[i] = json::parse(result->body)["choices"][0]["text"];
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(answers, texts);
}

TEST(HttpServer, WhatIsWrongHasAStatusAndAMessage) {
  const Served served;
  const auto expect = [](const httplib::Result& result, int status, const std::string& message) {
    ASSERT_TRUE(result);
    EXPECT_EQ(result->status, status);
    EXPECT_NE(json::parse(result->body)["error"]["message"].get<std::string>().find(message), std::string::npos)
        << result->body;
  };
  expect(served.post({{"prompt", 3}}), 400, "prompt: expected");
  expect(served.client().Post("/v1/chat/completions", R"({"messages": [{"role": "user", "content": "hi"}]})",
                              "application/json"),
         400, "chat template");
  expect(served.client().Post("/tokenize", "{}", "application/json"), 400, "prompt: expected a text");
  expect(served.client().Post("/tokenize", "{}", "text/plain"), 415, "application/json");
  expect(served.client().Post("/v1/completions", "prompt=a", "application/x-www-form-urlencoded"), 415,
         "application/json");
  expect(served.client().Get("/v1/nothing"), 404, "GET /v1/nothing");
  expect(served.client().Get("/v1/models", {{"Host", "example.com"}}), 403, "Host");
  expect(served.client().Post("/v1/completions", std::string(kMaxBody + 1, ' '), "application/json"), 413, "larger");
}

TEST(HttpServer, AKeyIsAskedFor) {
  const Served served("secret");
  const json body{{"prompt", "a"}, {"max_tokens", 1}};
  for (const char* wrong : {"", "Bearer ", "Bearer secre", "Bearer secrets", "secret"}) {
    const httplib::Result refused = served.post(body, {{"Authorization", wrong}});
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->status, 401) << wrong;
  }
  const httplib::Result allowed = served.post(body, {{"Authorization", "Bearer secret"}, {"Host", "example.com"}});
  ASSERT_TRUE(allowed);
  EXPECT_EQ(allowed->status, 200) << allowed->body;
  const httplib::Result tokens = served.client().Post("/tokenize", R"({"prompt": "a"})", "application/json");
  ASSERT_TRUE(tokens);
  EXPECT_EQ(tokens->status, 401);
  const httplib::Result health = served.client().Get("/health");
  ASSERT_TRUE(health);
  EXPECT_EQ(health->status, 200);
}

TEST(HttpServer, OthersNeedAKeyAndAPortMustBeFree) {
  CompletionEngine engine(default_model().model(), default_model().tokenizer(),
                          {.sequences = 1, .length = 16, .waiting = 1});
  xw::test::expect_error(ErrorCode::kInvalidArgument, "expected a key", [&] {
    HttpServer(engine, default_model().tokenizer(), {"0.0.0.0", 0, "", "m"});
  });
  HttpServer first(engine, default_model().tokenizer(), {"127.0.0.1", 0, "", "m"});
  const std::uint16_t port = first.bind();
  HttpServer second(engine, default_model().tokenizer(), {"127.0.0.1", port, "", "m"});
  xw::test::expect_error(ErrorCode::kIo, "cannot listen on 127.0.0.1 port " + std::to_string(port),
                         [&] { static_cast<void>(second.bind()); });
}

TEST(HttpServer, AStreamEndsWhenTheServerDoes) {
  std::string body;
  std::thread reader;
  {
    const Served served;
    std::atomic<bool> begun = false;
    const std::uint16_t port = served.port;
    reader = std::thread([&, port] {
      httplib::Client client("127.0.0.1", port);
      httplib::Request request;
      request.method = "POST";
      request.path = "/v1/completions";
      request.set_header("Content-Type", "application/json");
      request.body = R"({"prompt": "Once upon a time", "max_tokens": 250, "n": 40, "temperature": 1, "stream": true})";
      request.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
        body.append(data, size);
        begun = true;
        return true;
      };
      static_cast<void>(client.send(request));
      begun = true;
    });
    while (!begun) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  reader.join();
  EXPECT_NE(body.find("\"text\""), std::string::npos);
  EXPECT_EQ(body.find("[DONE]"), std::string::npos);
}

}  // namespace
}  // namespace xw::server

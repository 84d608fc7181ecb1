// OpenAI's HTTP interface in front of a model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/server/http_server.hpp"

#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "arch/support/error.hpp"
#include "host/server/openai_request.hpp"
#include "host/server/openai_response.hpp"
#include "host/server/tokenizer_request.hpp"

namespace xw::server {
namespace {

using nlohmann::ordered_json;

constexpr int kThreads = 64;      ///< requests that are read, wait or are answered at the same time
constexpr time_t kPatience = 10;  ///< seconds for a client to send or take something

int http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kCapacity:
      return 429;
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kUnsupported:
    case ErrorCode::kFormat:
      return 400;
    case ErrorCode::kInterrupted:
      return 503;
    default:
      return 500;
  }
}

std::string dump(const ordered_json& json) {
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

void answer_error(httplib::Response& response, int status, const std::string& message) {
  response.status = status;
  response.set_content(dump(error_json(message, status)), "application/json");
}

/// In a time that does not depend on where they differ.
bool same_text(const std::string& a, const std::string& b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned char>(a[i]) ^
                  static_cast<unsigned>(static_cast<unsigned char>(b.empty() ? '\0' : b[i % b.size()]));
  return difference == 0;
}

/// A Host header without its port.
std::string host_name(const std::string& header) {
  if (header.starts_with('[')) return header.substr(0, header.find(']') + 1);
  return header.substr(0, header.find(':'));
}

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Calls `answer` for a body of JSON; what it throws is the answer.
template <typename Answer>
void answer_json_request(const httplib::Request& request, httplib::Response& response, const Answer& answer) {
  // A page in a browser may send other kinds anywhere without asking first.
  if (!request.get_header_value("Content-Type").starts_with("application/json")) {
    answer_error(response, 415, "expected Content-Type: application/json");
    return;
  }
  try {
    answer();
  } catch (const Error& error) {
    answer_error(response, http_status(error.code()), error.what());
  } catch (const std::exception& error) {
    answer_error(response, 500, error.what());
  }
}

/// The choices of a request on their way. Whoever lets go of it cancels what is not finished.
struct Running {
  ~Running() {
    for (const std::shared_ptr<Completion>& completion : completions) completion->cancel();
  }
  ApiRequest request;
  AnswerHead head;
  std::vector<std::shared_ptr<Completion>> completions;
  Usage usage;
  std::size_t current = 0;   ///< choice that is being streamed
  bool at_beginning = true;  ///< of it
};

}  // namespace

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host == "127.0.0.1" || host == "[::1]";
}

struct HttpServer::Impl {
  Impl(CompletionEngine& computes, const tokenizer::Tokenizer& words, ServerSettings given)
      : engine(computes), tokenizer(words), settings(std::move(given)) {}

  CompletionEngine& engine;
  const tokenizer::Tokenizer& tokenizer;
  ServerSettings settings;
  std::int64_t started = now();
  std::atomic<std::uint64_t> requests = 0;
  httplib::Server http;

  void set_up();
  [[nodiscard]] bool refuses(const httplib::Request& request, httplib::Response& response) const;
  void answer(const httplib::Request& http_request, httplib::Response& response, bool is_chat);
  void answer_at_once(Running& running, httplib::Response& response);
  void answer_in_parts(std::shared_ptr<Running> running, httplib::Response& response);
  [[nodiscard]] bool next_part(Running& running, httplib::DataSink& sink);
};

void HttpServer::Impl::set_up() {
  http.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  // Its own choice would let two servers listen on one port.
  http.set_socket_options([](socket_t socket) {
    const int yes = 1;
    static_cast<void>(::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes));
  });
  http.set_payload_max_length(kMaxBody);
  http.set_read_timeout(kPatience);
  http.set_write_timeout(kPatience);
  http.set_keep_alive_timeout(kPatience);
  http.set_tcp_nodelay(true);
  http.set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
    return refuses(request, response) ? httplib::Server::HandlerResponse::Handled
                                      : httplib::Server::HandlerResponse::Unhandled;
  });
  http.Get("/health", [this](const httplib::Request&, httplib::Response& response) {
    const EngineCounters counters = engine.counters();
    response.set_content(dump({{"status", "ok"},
                               {"completions", counters.completions},
                               {"prompt_tokens", counters.prompt_tokens},
                               {"new_tokens", counters.new_tokens},
                               {"steps", counters.steps}}),
                         "application/json");
  });
  http.Get("/v1/models", [this](const httplib::Request&, httplib::Response& response) {
    const ordered_json model{{"id", settings.model},
                             {"object", "model"},
                             {"created", started},
                             {"owned_by", "crossweave"},
                             {"max_model_len", engine.length()}};
    response.set_content(dump({{"object", "list"}, {"data", ordered_json::array({model})}}), "application/json");
  });
  http.Post("/v1/completions",
            [this](const httplib::Request& request, httplib::Response& response) { answer(request, response, false); });
  http.Post("/v1/chat/completions",
            [this](const httplib::Request& request, httplib::Response& response) { answer(request, response, true); });
  http.Get("/tokenizer_info", [this](const httplib::Request&, httplib::Response& response) {
    response.set_content(dump(tokenizer_info_json(tokenizer, engine.length())), "application/json");
  });
  http.Post("/tokenize", [this](const httplib::Request& request, httplib::Response& response) {
    answer_json_request(request, response, [&] {
      response.set_content(dump(tokenize_json(request.body, tokenizer, engine.length())), "application/json");
    });
  });
  http.Post("/detokenize", [this](const httplib::Request& request, httplib::Response& response) {
    answer_json_request(request, response, [&] {
      response.set_content(dump(detokenize_json(request.body, tokenizer)), "application/json");
    });
  });
  http.set_error_handler([](const httplib::Request& request, httplib::Response& response) {
    if (!response.body.empty()) return;
    answer_error(response, response.status,
                 response.status == 404   ? "there is no " + request.method + " " + request.path
                 : response.status == 413 ? "the body is larger than " + std::to_string(kMaxBody) + " bytes"
                                          : "the request cannot be read");
  });
}

bool HttpServer::Impl::refuses(const httplib::Request& request, httplib::Response& response) const {
  if (settings.key.empty()) {
    const std::string name = host_name(request.get_header_value("Host"));
    if (is_loopback(name)) return false;
    answer_error(response, 403, "expected a Host of this machine (localhost, 127.0.0.1, [::1])");
    return true;
  }
  if (request.path == "/health" || same_text(request.get_header_value("Authorization"), "Bearer " + settings.key))
    return false;
  answer_error(response, 401, "expected the header Authorization: Bearer KEY with the key of this server");
  return true;
}

void HttpServer::Impl::answer(const httplib::Request& http_request, httplib::Response& response, bool is_chat) {
  answer_json_request(http_request, response, [&] {
    auto running = std::make_shared<Running>();
    running->request = is_chat ? read_chat(http_request.body, tokenizer, engine.length())
                               : read_completion(http_request.body, tokenizer, engine.length());
    running->head = {(is_chat ? "chatcmpl-" : "cmpl-") + std::to_string(++requests), settings.model, now()};
    running->usage.prompt_tokens = running->request.prompt_tokens;
    for (const CompletionRequest& one : running->request.completions)
      running->completions.push_back(engine.submit(one));
    if (running->request.stream) {
      answer_in_parts(std::move(running), response);
    } else {
      answer_at_once(*running, response);
    }
  });
}

void HttpServer::Impl::answer_at_once(Running& running, httplib::Response& response) {
  std::vector<Choice> choices;
  for (std::size_t i = 0; i < running.completions.size(); ++i) {
    Choice choice;
    choice.index = i;
    while (const std::optional<CompletionPiece> piece = running.completions[i]->next()) {
      choice.text += piece->text;
      choice.scores.insert(choice.scores.end(), piece->scores.begin(), piece->scores.end());
      choice.finish = piece->finish;
      running.usage.completion_tokens += piece->new_tokens;
    }
    choices.push_back(std::move(choice));
  }
  response.set_content(dump(answer_json(running.head, running.request, choices, running.usage, tokenizer)),
                       "application/json");
}

bool HttpServer::Impl::next_part(Running& running, httplib::DataSink& sink) {
  const auto send = [&](const std::string& text) {
    const std::string event = "data: " + text + "\n\n";
    return sink.write(event.data(), event.size());
  };
  if (running.current == running.completions.size()) {
    if (running.request.include_usage && !send(dump(usage_part_json(running.head, running.request, running.usage))))
      return false;
    if (!send("[DONE]")) return false;
    sink.done();
    return true;
  }
  std::optional<CompletionPiece> piece;
  try {
    piece = running.completions[running.current]->next();
  } catch (const Error& error) {
    static_cast<void>(send(dump(error_json(error.what(), http_status(error.code())))));
    sink.done();
    return true;
  }
  if (!piece) {
    ++running.current;
    running.at_beginning = true;
    return true;
  }
  running.usage.completion_tokens += piece->new_tokens;
  const Choice choice{running.current, std::move(piece->text), std::move(piece->scores), piece->finish,
                      std::exchange(running.at_beginning, false)};
  return send(dump(part_json(running.head, running.request, choice, tokenizer)));
}

void HttpServer::Impl::answer_in_parts(std::shared_ptr<Running> running, httplib::Response& response) {
  response.set_header("Cache-Control", "no-cache");
  response.set_chunked_content_provider(
      "text/event-stream",
      [this, running = std::move(running)](std::size_t, httplib::DataSink& sink) { return next_part(*running, sink); });
}

HttpServer::HttpServer(CompletionEngine& engine, const tokenizer::Tokenizer& tokenizer, ServerSettings settings) {
  if (!is_loopback(settings.host) && settings.key.empty())
    throw Error(ErrorCode::kInvalidArgument,
                "serve: expected a key for an address that others can reach, found none for " + settings.host);
  impl_ = std::make_unique<Impl>(engine, tokenizer, std::move(settings));
  impl_->set_up();
}

HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::bind() {
  const ServerSettings& settings = impl_->settings;
  errno = 0;
  int port = settings.port;
  bool is_bound = false;
  if (port == 0) {
    port = impl_->http.bind_to_any_port(settings.host.c_str());
    is_bound = port > 0;
  } else {
    is_bound = impl_->http.bind_to_port(settings.host.c_str(), port);
  }
  if (!is_bound)
    throw Error(ErrorCode::kIo, "serve: cannot listen on " + settings.host + " port " + std::to_string(settings.port) +
                                    (errno == 0 ? std::string() : std::string(": ") + std::strerror(errno)));
  return static_cast<std::uint16_t>(port);
}

void HttpServer::serve() {
  impl_->http.listen_after_bind();
}

void HttpServer::stop() {
  impl_->http.stop();
}

}  // namespace xw::server

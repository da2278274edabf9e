#include "bursar/broker/upstream/child_channel.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <csignal>
#include <unistd.h>
#include <utility>

namespace bursar::broker {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t kStderrLineMax = 4096;
constexpr std::chrono::seconds kUntilTerminate{2}, kUntilKill{3};
constexpr std::chrono::milliseconds kUntilBothEnds{500};  // between the end of the output and the end of the program

}  // namespace

Result<std::shared_ptr<ChildChannel>> ChildChannel::start(asio::io_context& context, const ChildSpec& spec,
                                                          const UpstreamLimits& limits, ChildCallbacks callbacks) {
  // A pipe has no MSG_NOSIGNAL: without this a child that dies at the wrong moment would take us along.
  if (struct sigaction now{}; ::sigaction(SIGPIPE, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) {
    ::signal(SIGPIPE, SIG_IGN);
  }
  auto process = ChildProcess::start(spec);
  if (!process) return tl::unexpected(process.error());
  std::shared_ptr<ChildChannel> channel(new ChildChannel(context, std::move(*process), limits, std::move(callbacks)));
  channel->begin();
  return channel;
}

ChildChannel::ChildChannel(asio::io_context& context, ChildProcess process, const UpstreamLimits& limits,
                           ChildCallbacks callbacks)
    : process_(std::move(process)),
      limits_(limits),
      callbacks_(std::make_shared<const ChildCallbacks>(std::move(callbacks))),
      in_(context, process_.release_stdin()),
      exit_(context, ::dup(process_.exit_fd())),
      out_{.stream = asio::posix::stream_descriptor(context, process_.release_stdout()),
           .line_bytes = limits.message_bytes},
      err_{.stream = asio::posix::stream_descriptor(context, process_.release_stderr()), .line_bytes = kStderrLineMax},
      timer_(context) {}

void ChildChannel::begin() {
  read_out();
  read_err();
  watch_exit();
}

bool ChildChannel::send(std::string line) {
  if (stopping_ || ended_ || exited_ || !in_.is_open()) return false;
  if (queued_bytes_ + line.size() > limits_.write_queue_bytes) return false;
  std::replace_if(line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  line += '\n';
  queued_bytes_ += line.size();
  queue_.push_back(std::move(line));
  if (queue_.size() == 1) write_next();
  return true;
}

void ChildChannel::write_next() {
  asio::async_write(in_, asio::buffer(queue_.front()), [self = shared_from_this()](error_code failed, std::size_t) {
    self->queued_bytes_ -= self->queue_.front().size();
    self->queue_.pop_front();
    if (failed) return;  // the end of the program says more, and is seen elsewhere
    if (!self->queue_.empty()) self->write_next();
  });
}

template <class Line, class Overlong>
void ChildChannel::split(LineReader& reader, std::size_t n, Line line, Overlong overlong) {
  std::string_view bytes(reader.buffer.data(), n);
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (!reader.skipping && reader.partial.size() + piece.size() > reader.line_bytes) {
      reader.skipping = true;
      reader.partial = {};
    }
    if (!reader.skipping) reader.partial.append(piece);
    if (end == std::string_view::npos) return;
    bytes.remove_prefix(end + 1);
    if (std::exchange(reader.skipping, false)) {
      overlong();
      continue;
    }
    std::string text = std::exchange(reader.partial, {});
    if (text.ends_with('\r')) text.pop_back();
    if (!text.empty()) line(std::move(text));
  }
}

void ChildChannel::read_out() {
  out_.stream.async_read_some(asio::buffer(out_.buffer), [self = shared_from_this()](error_code failed, std::size_t n) {
    if (failed) {
      self->output_closed_ = true;
      return self->half_ended();
    }
    const auto callbacks = self->callbacks_;  // a callback may stop us
    split(
        self->out_, n,
        [&](std::string text) {
          if (self->callbacks_ && callbacks->on_line) callbacks->on_line(std::move(text));
        },
        [&] {
          if (self->callbacks_ && callbacks->on_overlong) callbacks->on_overlong();
        });
    self->read_out();
  });
}

void ChildChannel::read_err() {
  err_.stream.async_read_some(asio::buffer(err_.buffer), [self = shared_from_this()](error_code failed, std::size_t n) {
    if (failed) return;
    const auto callbacks = self->callbacks_;
    const auto on_line = [&](std::string_view text) {
      if (self->callbacks_ && callbacks->on_stderr) callbacks->on_stderr(text);
    };
    split(self->err_, n, on_line, [&] { on_line("(a line of more than 4 KiB)"); });
    self->read_err();
  });
}

void ChildChannel::watch_exit() {
  exit_.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](error_code failed) {
    if (failed) return;
    self->exited_ = true;
    (void)self->process_.exit_status();
    self->exit_.close();
    if (self->stopping_) return self->close_pipes();
    self->half_ended();
  });
}

// The end is told when both the output and the program ended, so that nothing said last is lost and the status is
// known; a program that only closed its output, or one whose output somebody else holds open, gets a moment.
void ChildChannel::half_ended() {
  if (output_closed_ && exited_) return end();
  if (stopping_ || ended_) return;
  timer_.expires_after(kUntilBothEnds);
  timer_.async_wait([self = shared_from_this()](error_code failed) {
    if (!failed) self->end();
  });
}

void ChildChannel::end() {
  if (std::exchange(ended_, true)) return;
  const auto callbacks = std::exchange(callbacks_, nullptr);
  const std::string why = reason();
  if (exited_) {
    close_pipes();
  } else {
    stop();
  }
  if (callbacks && callbacks->on_end) callbacks->on_end(why);
}

void ChildChannel::close_pipes() {
  error_code ignored;
  in_.close(ignored);
  out_.stream.close(ignored);
  err_.stream.close(ignored);
  timer_.cancel();
}

std::string ChildChannel::reason() {
  const auto status = process_.exit_status();
  if (!status) return "closed its output";
  if (*status == 0) return "ended";
  if (*status > 128) return "was ended by signal " + std::to_string(*status - 128);
  return "ended with status " + std::to_string(*status);
}

void ChildChannel::stop() {
  if (std::exchange(stopping_, true)) return;
  callbacks_.reset();
  if (exited_) return close_pipes();
  error_code ignored;
  in_.close(ignored);
  timer_.expires_after(kUntilTerminate);
  timer_.async_wait([self = shared_from_this()](error_code cancelled) {
    if (cancelled || self->exited_) return;
    self->process_.terminate();
    self->timer_.expires_after(kUntilKill);
    self->timer_.async_wait([self](error_code again) {
      if (!again && !self->exited_) self->process_.kill_now();
    });
  });
}

void ChildChannel::kill() {
  if (!exited_) process_.kill_now();
}

}  // namespace bursar::broker

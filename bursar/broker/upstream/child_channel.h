// Lines to and from a child process, on a reactor. Used by stdio_upstream only; has Asio in it.
//
//   auto channel = ChildChannel::start(context, spec, limits, {.on_line = …, .on_end = …});
//   (*channel)->send(R"({"jsonrpc":"2.0",…})");
//   (*channel)->stop();   // close stdin; SIGTERM after 2 s; SIGKILL of the tree after 3 s more
//
// The channel keeps itself alive until the child's tree is gone. No callback runs inside start(), send() or stop(), and
// none after stop(); on_end is the last.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bursar/broker/upstream/child_process.h"
#include "bursar/broker/upstream/upstream_factory.h"

namespace bursar::broker {

struct ChildCallbacks {
  std::function<void(std::string line)> on_line;         // of stdout, without its end; never empty
  std::function<void()> on_overlong;                     // a line past the limit was thrown away
  std::function<void(std::string_view line)> on_stderr;  // cut at 4 KiB
  std::function<void(std::string reason)> on_end;        // the program ended or closed its output
};

class ChildChannel : public std::enable_shared_from_this<ChildChannel> {
 public:
  [[nodiscard]] static Result<std::shared_ptr<ChildChannel>> start(boost::asio::io_context& context,
                                                                   const ChildSpec& spec, const UpstreamLimits& limits,
                                                                   ChildCallbacks callbacks);

  // Adds the line's end; line breaks inside (only white space of JSON can hold one) become blanks. False where more
  // would wait than the limit allows, or the child is gone.
  [[nodiscard]] bool send(std::string line);
  void stop();
  void kill();  // the whole tree at once; on_end follows
  [[nodiscard]] pid_t guard_pid() const { return process_.guard_pid(); }

 private:
  struct LineReader {
    boost::asio::posix::stream_descriptor stream;
    std::size_t line_bytes;
    std::string partial = {};
    bool skipping = false;
    std::vector<char> buffer = std::vector<char>(32 << 10);
  };

  ChildChannel(boost::asio::io_context& context, ChildProcess process, const UpstreamLimits& limits,
               ChildCallbacks callbacks);
  void begin();
  void read_out();
  void read_err();
  // Calls line(text) for each that ended, overlong() for each that was too long.
  template <class Line, class Overlong>
  static void split(LineReader& reader, std::size_t n, Line line, Overlong overlong);
  void write_next();
  void watch_exit();
  void half_ended();
  void end();
  void close_pipes();
  [[nodiscard]] std::string reason();

  ChildProcess process_;
  UpstreamLimits limits_;
  std::shared_ptr<const ChildCallbacks> callbacks_;  // empty once nothing more is to be told
  boost::asio::posix::stream_descriptor in_, exit_;
  LineReader out_, err_;
  boost::asio::steady_timer timer_;
  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  bool stopping_ = false, output_closed_ = false, exited_ = false, ended_ = false;
};

}  // namespace bursar::broker

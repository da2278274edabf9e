// One thread that serves sockets, timers and child processes, and a pool of such threads.
//
//   Reactors reactors(2);
//   reactors.start();
//   reactors.at(0).post([&] { session.deliver(message); });
//   reactors.finish();  // each thread ends when it has nothing left to do
//
// What lives on a reactor is touched by its thread only; others post() to it. context() is Boost.Asio's io_context with
// concurrency hint 1; sources that include Asio use it, headers do not.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace bursar::broker {

class Reactor {
 public:
  Reactor();
  ~Reactor();
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;

  [[nodiscard]] boost::asio::io_context& context();
  void post(std::function<void()> task);      // from any thread; runs later, never inside post()
  [[nodiscard]] bool on_this_thread() const;  // true inside what run() calls

  void run();         // until finish() and no work is left, or stop(); on the calling thread
  void finish();      // from any thread: run() may return as soon as nothing is pending
  void stop();        // from any thread: run() returns at once, pending work is dropped
  bool drop_tasks();  // when nothing runs any more: ends what post() was given; false where there was none

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::atomic<std::thread::id> thread_{};
};

// Errors of run() other than by bugs do not exist; an exception that escapes a task ends the process, as any bug does.
class Reactors {
 public:
  explicit Reactors(unsigned count);  // 0: one a core
  ~Reactors();                        // stop() and join()
  Reactors(const Reactors&) = delete;
  Reactors& operator=(const Reactors&) = delete;

  [[nodiscard]] std::size_t size() const { return reactors_.size(); }
  [[nodiscard]] Reactor& at(std::size_t index) { return *reactors_[index]; }
  [[nodiscard]] Reactor* current();  // the reactor whose thread this is; null elsewhere

  void start();
  void finish();  // graceful; then join()
  void stop();    // hard; then join()
  void join();

 private:
  std::vector<std::unique_ptr<Reactor>> reactors_;
  std::vector<std::thread> threads_;
};

}  // namespace bursar::broker

#include "bursar/broker/http/reactor.h"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <mutex>
#include <utility>

namespace bursar::broker {

struct Reactor::Impl {
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard{context.get_executor()};
  std::mutex mutex;
  std::vector<std::function<void()>> tasks;  // posted, in order; one handler of the context runs all that are there

  void run_tasks() {
    std::vector<std::function<void()>> batch;
    {
      const std::scoped_lock lock(mutex);
      batch.swap(tasks);
    }
    for (auto& task : batch) std::exchange(task, nullptr)();  // what a task holds ends with it, not with the batch
  }
};

Reactor::Reactor() : impl_(std::make_unique<Impl>()) {}

Reactor::~Reactor() = default;

boost::asio::io_context& Reactor::context() { return impl_->context; }

void Reactor::post(std::function<void()> task) {
  bool first = false;
  {
    const std::scoped_lock lock(impl_->mutex);
    first = impl_->tasks.empty();
    impl_->tasks.push_back(std::move(task));
  }
  if (first) boost::asio::post(impl_->context, [impl = impl_.get()] { impl->run_tasks(); });
}

bool Reactor::drop_tasks() {
  std::vector<std::function<void()>> dropped;
  {
    const std::scoped_lock lock(impl_->mutex);
    dropped.swap(impl_->tasks);
  }
  return !dropped.empty();
}

bool Reactor::on_this_thread() const { return thread_.load(std::memory_order_relaxed) == std::this_thread::get_id(); }

void Reactor::run() {
  thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  impl_->context.run();
  thread_.store({}, std::memory_order_relaxed);
}

// The guard belongs to the reactor's thread, so that finish() may race with nothing.
void Reactor::finish() {
  boost::asio::post(impl_->context, [this] { impl_->guard.reset(); });
}

void Reactor::stop() { impl_->context.stop(); }

Reactors::Reactors(unsigned count) {
  if (count == 0) count = std::max(1U, std::thread::hardware_concurrency());
  reactors_.reserve(count);
  for (unsigned i = 0; i < count; ++i) reactors_.push_back(std::make_unique<Reactor>());
}

// A task that never ran may hold what belongs to another reactor (a timer, a socket): all of them go while every
// reactor is still there. What ends with a task may post another.
Reactors::~Reactors() {
  stop();
  join();
  for (bool more = true; more;) {
    more = false;
    for (auto& reactor : reactors_) more |= reactor->drop_tasks();
  }
}

Reactor* Reactors::current() {
  for (auto& reactor : reactors_) {
    if (reactor->on_this_thread()) return reactor.get();
  }
  return nullptr;
}

void Reactors::start() {
  for (auto& reactor : reactors_) threads_.emplace_back([r = reactor.get()] { r->run(); });
}

void Reactors::finish() {
  for (auto& reactor : reactors_) reactor->finish();
}

void Reactors::stop() {
  for (auto& reactor : reactors_) reactor->stop();
}

void Reactors::join() {
  for (auto& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  threads_.clear();
}

}  // namespace bursar::broker

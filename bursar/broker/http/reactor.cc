#include "bursar/broker/http/reactor.h"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace bursar::broker {

struct Reactor::Impl {
  boost::asio::io_context context{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard{context.get_executor()};
};

Reactor::Reactor() : impl_(std::make_unique<Impl>()) {}

Reactor::~Reactor() = default;

boost::asio::io_context& Reactor::context() { return impl_->context; }

void Reactor::post(std::function<void()> task) { boost::asio::post(impl_->context, std::move(task)); }

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

Reactors::~Reactors() {
  stop();
  join();
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

// Asio's sockets, timers and coroutines for what lives on one reactor: with the type of the reactor's executor, where
// Asio's own names wrap it so that any would fit, and pay for that at every step. Has Asio in it.
//
//   awaitable<void> run() { Timer timer(reactor.context(), 1s); co_await timer.async_wait(use_awaitable); }
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace bursar::broker {

using Executor = boost::asio::io_context::executor_type;
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;
using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;
template <class T>
using awaitable = boost::asio::awaitable<T, Executor>;
inline constexpr boost::asio::use_awaitable_t<Executor> use_awaitable;

}  // namespace bursar::broker

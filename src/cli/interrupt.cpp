// SPDX-License-Identifier: MIT
// Signals; see interrupt.hpp.
#include "cli/interrupt.hpp"

#include <atomic>

namespace omnimeans::cli {
namespace {

// A signal handler may touch lock-free atomics and little else; std::stop_source is not safe there.
std::atomic<bool> interrupt_seen{false};
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void on_interrupt(int) {
  interrupt_seen.store(true);
}

std::atomic<int> held_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void on_held_signal(int signal) {
  int none = 0;
  held_signal.compare_exchange_strong(none, signal);
}

}  // namespace

InterruptWatch::InterruptWatch() {
  interrupt_seen.store(false);
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  action.sa_flags =
      static_cast<int>(SA_RESETHAND | SA_RESTART);  // the second Ctrl-C meets the default action
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, nullptr, &before_);
  if (before_.sa_handler != SIG_IGN) sigaction(SIGINT, &action, nullptr);
  // The starter may have left it blocked, or even pending: it counts from here on.
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_UNBLOCK, &set, &mask_before_);
}

InterruptWatch::~InterruptWatch() {
  pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
  sigaction(SIGINT, &before_, nullptr);
}

bool InterruptWatch::interrupted() const noexcept {
  return interrupt_seen.load();
}

SignalsHeld::SignalsHeld() {
  held_signal.store(0);
  struct sigaction action {};
  action.sa_handler = on_held_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < signals.size(); ++i) {
    sigaction(signals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler != SIG_IGN) sigaction(signals[i], &action, nullptr);
  }
  action.sa_handler = SIG_IGN;
  action.sa_flags = 0;
  sigaction(SIGXFSZ, &action, &large_file_before_);
}

SignalsHeld::~SignalsHeld() {
  for (std::size_t i = 0; i < signals.size(); ++i) sigaction(signals[i], &before_[i], nullptr);
  sigaction(SIGXFSZ, &large_file_before_, nullptr);
  if (const int signal = held_signal.load(); signal != 0) std::raise(signal);
}

}  // namespace omnimeans::cli

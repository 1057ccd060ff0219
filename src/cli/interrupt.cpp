// SPDX-License-Identifier: MIT
// SIGINT; see interrupt.hpp.
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

sigset_t only_interrupt() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  return set;
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
  const sigset_t set = only_interrupt();
  pthread_sigmask(SIG_UNBLOCK, &set, &mask_before_);
}

InterruptWatch::~InterruptWatch() {
  pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
  sigaction(SIGINT, &before_, nullptr);
}

bool InterruptWatch::interrupted() const noexcept {
  return interrupt_seen.load();
}

InterruptsHeld::InterruptsHeld() {
  const sigset_t set = only_interrupt();
  pthread_sigmask(SIG_BLOCK, &set, &mask_before_);
}

InterruptsHeld::~InterruptsHeld() {
  pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr);
}

}  // namespace omnimeans::cli

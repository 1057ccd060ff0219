// SPDX-License-Identifier: MIT
// Ctrl-C during a fit: the first one ends it after the iteration at hand, the second one kills the program as
// usual.
#pragma once

#include <csignal>

namespace omnimeans::cli {

/// While one lives, SIGINT sets a flag instead of ending the program. A SIGINT that is ignored (nohup, a
/// background job of a script) stays ignored. One at a time.
class InterruptWatch {
 public:
  InterruptWatch();
  ~InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;

  bool interrupted() const noexcept;

 private:
  struct sigaction before_ {};
  sigset_t mask_before_{};
};

/// While one lives, SIGINT waits: the outputs are being written.
class InterruptsHeld {
 public:
  InterruptsHeld();
  ~InterruptsHeld();
  InterruptsHeld(const InterruptsHeld&) = delete;
  InterruptsHeld& operator=(const InterruptsHeld&) = delete;

 private:
  sigset_t mask_before_{};
};

}  // namespace omnimeans::cli

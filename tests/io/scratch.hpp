// SPDX-License-Identifier: MIT
// A directory of its own for each test, and plain ways to fill and look at files.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string>

namespace omnimeans::io::testing {

namespace fs = std::filesystem;

inline void write_bytes(const fs::path& path, const std::string& bytes) {
  fs::remove(path);  // some file systems wait for the disk where a file is overwritten
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) throw std::runtime_error("the test cannot write " + path.string());
}

inline std::string read_bytes(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("the test cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Test fixture: `dir` is empty at the start and removed at the end.
class Scratch : public ::testing::Test {
 protected:
  Scratch() {
    std::string name = fs::path(::testing::TempDir()) / "omnimeans-io-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("the test cannot create " + name);
    dir = name;
    fs::permissions(dir, fs::perms(0755));  // some tests go on as another user
  }
  ~Scratch() override {
    std::error_code ignored;
    fs::remove_all(dir, ignored);
  }

  fs::path file(const std::string& name, const std::string& bytes) const {
    write_bytes(dir / name, bytes);
    return dir / name;
  }
  std::set<std::string> entries() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(dir)) names.insert(entry.path().filename().string());
    return names;
  }

  fs::path dir;
};

/// Runs on as an ordinary user if the tests run as root, whom no permission stops.
class OrdinaryUser {
 public:
  OrdinaryUser() : root_(::geteuid() == 0) {
    if (root_) active_ = ::seteuid(65534) == 0;
  }
  ~OrdinaryUser() {
    if (root_ && active_ && ::seteuid(0) != 0) ADD_FAILURE() << "cannot become root again";
  }
  OrdinaryUser(const OrdinaryUser&) = delete;
  OrdinaryUser& operator=(const OrdinaryUser&) = delete;
  bool active() const { return active_; }

 private:
  bool root_;
  bool active_ = true;
};

}  // namespace omnimeans::io::testing

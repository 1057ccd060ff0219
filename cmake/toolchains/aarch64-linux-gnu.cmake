# SPDX-License-Identifier: MIT
# Cross-building for AArch64 with Debian's g++-aarch64-linux-gnu; programs run under qemu-aarch64 -L
# /usr/aarch64-linux-gnu. Headers that know no architecture (xsimd) come from the host's /usr; libraries never do.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)
# Debian files xsimd under the architecture it was packaged for, though it is headers alone.
file(GLOB xsimd_configs /usr/lib/*/cmake/xsimd /usr/lib/cmake/xsimd /usr/share/cmake/xsimd)
if(xsimd_configs)
  list(GET xsimd_configs 0 xsimd_DIR)
endif()

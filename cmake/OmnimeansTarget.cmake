# SPDX-License-Identifier: MIT
# omnimeans_target(<target>): the language level, warnings and sanitizers of everything we compile. All PRIVATE, so that
# no flag reaches whoever links the library.
function(omnimeans_target target)
  target_compile_features(${target} PRIVATE cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  # Contraction would fuse a*b+c on some machines only: the canonical distance must be the same bits on all.
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -ffp-contract=off
                                           $<$<BOOL:${OMNIMEANS_WERROR}>:-Werror>)
  if(OMNIMEANS_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${OMNIMEANS_SANITIZE} -fno-omit-frame-pointer
                                             -fno-sanitize-recover=all)
    target_link_options(${target} PRIVATE -fsanitize=${OMNIMEANS_SANITIZE})
  endif()
endfunction()

# omnimeans_strict(<target>): what is not a test is also clean of implicit conversions.
function(omnimeans_strict target)
  omnimeans_target(${target})
  target_compile_options(${target} PRIVATE -Wconversion)
endfunction()

# omnimeans_quick_build(<target>): the templates of CLI11, JSON and Google Test compile sooner, at -O1. For targets whose
# time goes into libraries, which keep their flags.
function(omnimeans_quick_build target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

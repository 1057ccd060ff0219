# SPDX-License-Identifier: MIT
# cmake -DSOURCE=... -DINPUT=... -DOUTPUT=... -DCOMPILER=... -DBUILD_FLAGS=... -P build_info.cmake
# Writes OUTPUT only if it changes, so that a build without a new commit compiles nothing.
set(GIT_COMMIT "unknown")
find_program(GIT git)
if(GIT)
  execute_process(COMMAND "${GIT}" describe --always --abbrev=12 --exclude=* WORKING_DIRECTORY "${SOURCE}"
    OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE failed ERROR_QUIET)
  if(NOT failed)
    # Committed results differ from those of the run that is about to replace them; that changes nothing measured.
    execute_process(COMMAND "${GIT}" diff --quiet HEAD -- . ":(exclude,top)results" WORKING_DIRECTORY "${SOURCE}"
      RESULT_VARIABLE changed ERROR_QUIET)
    set(GIT_COMMIT "${described}")
    if(changed)
      string(APPEND GIT_COMMIT "-dirty")
    endif()
  endif()
endif()
string(STRIP "${BUILD_FLAGS}" BUILD_FLAGS)
configure_file("${INPUT}" "${OUTPUT}" @ONLY)

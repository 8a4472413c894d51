# One library per layer, from all .cpp files of its folder. SMALL: nothing in it is hot, and less of it is resident when it is small.
# DEPS is all that the layer may include: what is not
# named does not link, and tests/layers_check.py checks the includes.
add_library(van_flags INTERFACE)
target_compile_features(van_flags INTERFACE cxx_std_20)
target_compile_options(van_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
  -Wnon-virtual-dtor -Woverloaded-virtual -Werror -fvisibility=hidden)
# C++14's sized operator delete, which Clang has off before version 19: small_blocks.cpp lives on it.
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(van_flags INTERFACE -fsized-deallocation)
endif()
# GCC 12 sees sizes of 2^63 in std::string and std::vector when it optimises (GCC bugs 105329, 105651); later ones don't.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(van_flags INTERFACE -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds)
endif()
target_include_directories(van_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(van_flags INTERFACE VAN_VERSION="${PROJECT_VERSION}")
if(VAN_SANITIZE)
  target_compile_options(van_flags INTERFACE -fsanitize=${VAN_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(van_flags INTERFACE -fsanitize=${VAN_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # what sanitizers add confuses it: gcc(1), -fsanitize
    target_compile_options(van_flags INTERFACE -Wno-maybe-uninitialized)
  endif()
endif()
if(VAN_FUZZ)
  target_compile_options(van_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# Headers that most files include; only precompiled, each file still includes what it uses.
set(van_common_headers <algorithm> <array> <chrono> <cstdint> <deque> <functional> <map> <memory> <optional> <set> <span> <string>
  <string_view> <tuple> <unordered_map> <utility> <variant> <vector>)

function(van_precompile name)
  if(VAN_PCH)
    target_precompile_headers(${name} PRIVATE ${van_common_headers} ${ARGN})
  endif()
endfunction()

function(van_layer name)
  cmake_parse_arguments(ARG "SMALL" "" "DEPS;EXCLUDE;PRECOMPILE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  foreach(pattern ${ARG_EXCLUDE})
    list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/${pattern})
  endforeach()
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC van_flags ${ARG_DEPS})
    van_precompile(${name} ${ARG_PRECOMPILE})
    if(ARG_SMALL)
      target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-Os>)
    endif()
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE van_flags ${ARG_DEPS})
  endif()
endfunction()

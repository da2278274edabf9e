# bursar_room(<name> [PUBLIC lib…] [PRIVATE lib…])
#
# Makes the library bursar_<name> (alias Bursar::<name>) of every source under the calling folder. What stands beside the
# sources joins by its name alone: *_test.cc the program bursar_<name>_test, *_bench.cc bursar_<name>_bench, and each
# *_fuzz.cc a libFuzzer program of its own.
function(bursar_room name)
  cmake_parse_arguments(ROOM "" "" "PUBLIC;PRIVATE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cc)
  set(tests ${sources})
  set(benches ${sources})
  set(fuzzers ${sources})
  list(FILTER sources EXCLUDE REGEX "_(test|bench|fuzz)\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")

  add_library(bursar_${name} STATIC ${sources})
  add_library(Bursar::${name} ALIAS bursar_${name})
  set_target_properties(bursar_${name} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  target_compile_features(bursar_${name} PUBLIC cxx_std_23)
  target_include_directories(bursar_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
                                                   $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(bursar_${name} PUBLIC ${ROOM_PUBLIC} PRIVATE ${ROOM_PRIVATE} bursar_options)
  set_property(GLOBAL APPEND PROPERTY BURSAR_ROOMS ${name})

  if(BURSAR_TESTS AND tests)
    add_executable(bursar_${name}_test ${tests})
    target_link_libraries(bursar_${name}_test PRIVATE bursar_${name} ${ROOM_PRIVATE} bursar_options rapidcheck_gtest
                                                      GTest::gmock GTest::gtest_main)
    add_test(NAME ${name} COMMAND bursar_${name}_test --gtest_brief=1)
    # A seed of its own for each run would find more, and fail on other people's machines; look for bugs without it.
    set_tests_properties(${name} PROPERTIES LABELS unit ENVIRONMENT
                         "BURSAR_SHARED=${PROJECT_SOURCE_DIR}/../shared;BURSAR_SOURCE=${PROJECT_SOURCE_DIR};RC_PARAMS=seed=1")
  endif()
  if(BURSAR_TESTS AND benches)
    add_executable(bursar_${name}_bench EXCLUDE_FROM_ALL ${benches})
    target_link_libraries(bursar_${name}_bench PRIVATE bursar_${name} ${ROOM_PRIVATE} bursar_options
                                                       benchmark::benchmark_main)
  endif()
  if(BURSAR_FUZZ)
    foreach(fuzzer ${fuzzers})
      get_filename_component(stem ${fuzzer} NAME_WE)
      add_executable(${stem} ${fuzzer})
      target_compile_options(${stem} PRIVATE -fsanitize=fuzzer)
      target_link_options(${stem} PRIVATE -fsanitize=fuzzer)
      target_link_libraries(${stem} PRIVATE bursar_${name} ${ROOM_PRIVATE} bursar_options)
    endforeach()
  endif()
endfunction()
